package target_test

import (
	"context"
	"fmt"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/loadrig/loadrig/target"
)

func Example() {
	s, err := target.Listen(target.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	go s.Serve()

	c, _, _, err := ws.Dial(context.Background(), s.URL())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	if err := wsutil.WriteClientText(c, []byte("hello")); err != nil {
		fmt.Println(err)
		return
	}
	answer, err := wsutil.ReadServerText(c)
	fmt.Printf("%s %v\n", answer, err)
	st := s.Stats()
	fmt.Println(st.Open, "open,", st.Received, "received,", st.Sent, "sent")
	// Output:
	// hello <nil>
	// 1 open, 1 received, 1 sent
}

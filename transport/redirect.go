package transport

import (
	"fmt"
	"net/http"

	"github.com/loadrig/loadrig/messages"
)

// maxLocation bounds what is repeated of where a server redirects to.
const maxLocation = 256

// refusal says what a status other than 101 means. Redirects are not followed: who measures a server wants to
// know that it was another that answered.
func (a *answer) refusal() (messages.Cause, error) {
	switch a.status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		if a.status/100 != 3 || len(a.location) == 0 {
			return messages.CauseUpgradeStatus, fmt.Errorf("got status %d, want 101", a.status)
		}
	}
	if len(a.location) == 0 {
		return messages.CauseRedirect, fmt.Errorf("got status %d without a Location, want 101", a.status)
	}
	to := a.location[0]
	return messages.CauseRedirect, fmt.Errorf("got status %d to %q: redirects are not followed; connect there instead", a.status, to[:min(len(to), maxLocation)])
}

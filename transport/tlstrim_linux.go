package transport

import (
	"bytes"
	"crypto/tls"
	"reflect"
	"sync"
	"unsafe"
)

// spareBuffers gives where in a tls.Conn the buffers lie that grow with the handshake, as large as the
// server's certificates, and are kept at that size for good though nothing is in them. There is no call
// that frees them. Where a version of Go has none by these names and of this type, the list is shorter,
// players cost more memory, and a test says so.
var spareBuffers = sync.OnceValue(func() (offsets []uintptr) {
	for _, name := range []string{"rawInput", "hand"} {
		if f, ok := reflect.TypeFor[tls.Conn]().FieldByName(name); ok && f.Type == reflect.TypeFor[bytes.Buffer]() {
			offsets = append(offsets, f.Offset)
		}
	}
	return offsets
})

// trim frees the buffers of tc that are empty; an empty bytes.Buffer is as good as any other. Nobody else
// may be using tc.
func trim(tc *tls.Conn) {
	for _, offset := range spareBuffers() {
		if b := (*bytes.Buffer)(unsafe.Add(unsafe.Pointer(tc), offset)); b.Len() == 0 {
			*b = bytes.Buffer{}
		}
	}
}

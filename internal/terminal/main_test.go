package terminal

import (
	"testing"

	"github.com/loadrig/loadrig/internal/wstest"
)

func TestMain(m *testing.M) { wstest.Main(m) }

package transparency

import (
	"testing"

	"go.uber.org/goleak"
)

// What a test has started has ended when all of them have.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

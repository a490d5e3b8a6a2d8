//go:build !unix

package consent

import "os"

// lockFile does nothing: elsewhere one process at a time may make keys.
func lockFile(*os.File) error { return nil }

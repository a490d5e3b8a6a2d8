package transparency

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// writeFile puts b at path: whoever reads sees the old file or the new one, whole,
// also after a power cut.
func writeFile(path string, b []byte) (err error) {
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, ".checkpoint-*")
	if err != nil {
		return fmt.Errorf("pin checkpoint: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
			err = fmt.Errorf("pin checkpoint to %s: %w", path, err)
		}
	}()
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(folder) // a file's own fsync does not make its name durable
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

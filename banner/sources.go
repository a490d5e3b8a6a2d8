package banner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
)

// Sources is the SHA-256 of the embedded TypeScript: of each file's SHA-256 and name, in
// the form of sha256sum, sorted by name. What is compiled with the same sources, notice
// and esbuild is the same script. In the repository:
//
//	cd banner && find src -type f | LC_ALL=C sort | xargs sha256sum | sha256sum
func Sources() (string, error) {
	all := sha256.New()
	err := fs.WalkDir(embedded, "src", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		b, err := embedded.ReadFile(path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(all, "%x  %s\n", sha256.Sum256(b), path)
		return err
	})
	return hex.EncodeToString(all.Sum(nil)), err
}

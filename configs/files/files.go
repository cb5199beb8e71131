// Package files keeps uploaded bytes in one folder, named by their SM3 digest,
// so that equal files are kept once and a changed byte is found. A file is
// written beside, synced and then renamed: half a file never has a name.
package files

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/emmansun/gmsm/sm3"
)

// Folder is where the bytes lie; replicas share it, backups include it.
type Folder string

// ErrTooLarge says that more than the allowed bytes came.
var ErrTooLarge = errors.New("file too large")

// Put stores at most limit bytes of r and returns their digest (64 hex digits) and number.
func (f Folder) Put(r io.Reader, limit int64) (digest string, size int64, err error) {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return "", 0, err
	}
	beside, err := os.CreateTemp(string(f), ".incoming-*")
	if err != nil {
		return "", 0, err
	}
	defer os.Remove(beside.Name())
	defer beside.Close()
	hash := sm3.New()
	size, err = io.Copy(io.MultiWriter(beside, hash), io.LimitReader(r, limit+1))
	if err != nil {
		return "", 0, err
	}
	if size > limit {
		return "", 0, ErrTooLarge
	}
	if err := beside.Sync(); err != nil {
		return "", 0, err
	}
	digest = hex.EncodeToString(hash.Sum(nil))
	target := f.path(digest)
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return "", 0, err
	}
	if err := os.Rename(beside.Name(), target); err != nil {
		return "", 0, err
	}
	return digest, size, syncFolder(filepath.Dir(target))
}

// syncFolder makes a rename outlive a power cut.
func syncFolder(name string) error {
	folder, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Open returns the bytes of a digest.
func (f Folder) Open(digest string) (*os.File, error) {
	if len(digest) != 64 {
		return nil, fmt.Errorf("not a digest: %q", digest)
	}
	return os.Open(f.path(digest))
}

func (f Folder) path(digest string) string {
	return filepath.Join(string(f), digest[:2], digest)
}

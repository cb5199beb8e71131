package verify

import (
	"compress/flate"
	"compress/gzip"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"keping/rbac/journal"
)

// standardInput is the standard input that has been read to its end: there is
// nothing left for a second file named "-".
var standardInput *os.File

// Read reads a whole file; "-" is standard input, *.gz is unpacked.
func Read(name string) (data []byte, err error) {
	err = open(name, func(r io.Reader) error {
		data, err = io.ReadAll(r)
		return err
	})
	return data, err
}

// scan reads a file by parts, and hashes all of it meanwhile.
func scan(name string, read func(io.Reader) error) (hash string, err error) {
	h := journal.NewHash()
	err = open(name, func(r io.Reader) error {
		r = io.TeeReader(r, h)
		if err := read(r); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, r)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

// open gives a file to whoever reads it, whose own faults it names.
func open(name string, read func(io.Reader) error) error {
	file := os.Stdin
	if name != "-" {
		var err error
		if file, err = os.Open(name); err != nil {
			return unusable(name, err)
		}
		defer file.Close()
	} else if file == standardInput {
		return Usage(errors.New("-：标准输入只能用一次"))
	} else {
		standardInput = file
	}
	s := &source{Reader: file}
	if strings.HasSuffix(name, ".gz") {
		unpacked, err := gzip.NewReader(file)
		if err != nil {
			return unusable(name, err)
		}
		s.Reader = unpacked
	}
	err := read(s)
	switch {
	case s.err != nil:
		return unusable(name, s.err)
	case err != nil:
		return Usage(named(name, err))
	}
	return nil
}

// source keeps what went wrong in reading apart from what is wrong in the text.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// unusable is a file that cannot be read or written.
func unusable(name string, err error) error {
	return Usage(fmt.Errorf("%s：%s", name, reason(err)))
}

// reason says in Chinese what the system or gzip has against a file.
func reason(err error) string {
	var corrupt flate.CorruptInputError
	for _, known := range []struct {
		is   bool
		says string
	}{
		{errors.Is(err, fs.ErrNotExist), "没有这个文件或文件夹"},
		{errors.Is(err, fs.ErrPermission), "没有权限"},
		{errors.Is(err, syscall.EISDIR), "是文件夹，不是文件"},
		{errors.Is(err, syscall.ENOTDIR), "路径中有一段不是文件夹"},
		{errors.Is(err, syscall.ENOSPC), "没有空间了"},
		{errors.Is(err, syscall.EROFS), "所在的文件系统只读"},
		{errors.Is(err, syscall.ENAMETOOLONG), "文件名太长"},
		{errors.Is(err, syscall.EPIPE), "对方不再读取"},
		{errors.Is(err, gzip.ErrHeader), "名为 .gz 而不是 gzip 文件"},
		{errors.Is(err, gzip.ErrChecksum) || errors.As(err, &corrupt) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF), "gzip 文件已损坏或不完整"},
	} {
		if known.is {
			return known.says
		}
	}
	var system *fs.PathError
	if errors.As(err, &system) {
		return system.Err.Error()
	}
	return err.Error()
}

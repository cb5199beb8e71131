package verify

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// standardInput is the standard input that has been read to its end: there is
// nothing left for a second file named "-".
var standardInput *os.File

// Read reads a whole file; "-" is standard input, *.gz is unpacked.
func Read(name string) ([]byte, error) {
	file := os.Stdin
	if name != "-" {
		var err error
		if file, err = os.Open(name); err != nil {
			return nil, unusable(name, err)
		}
		defer file.Close()
	} else if file == standardInput {
		return nil, Usage(errors.New("-：标准输入只能用一次"))
	} else {
		standardInput = file
	}
	var reader io.Reader = file
	if strings.HasSuffix(name, ".gz") {
		unpacked, err := gzip.NewReader(file)
		if err != nil {
			return nil, unusable(name, err)
		}
		reader = unpacked
	}
	data, err := io.ReadAll(reader)
	if err != nil {
		return nil, unusable(name, err)
	}
	return data, nil
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

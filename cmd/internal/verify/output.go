package verify

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Output is a file a command writes; "-" is standard output, *.gz is packed,
// "" is not written.
type Output struct {
	Name  string
	Write func(io.Writer) error
}

// place is where a name leads.
type place struct {
	name string
	path string      // of the file itself, where the name is a link; "-" for standard output
	info fs.FileInfo // nil if there is no file yet
}

// placeOf finds an output.
func placeOf(name string) (place, error) {
	if name == "-" {
		info, err := os.Stdout.Stat()
		return place{"标准输出", "-", info}, err
	}
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(name); err == nil {
			return place{}, fs.ErrNotExist // a link that leads nowhere
		}
		folder, err := filepath.EvalSymlinks(filepath.Dir(name))
		return place{name, filepath.Join(folder, filepath.Base(name)), nil}, err
	}
	if err != nil || !info.Mode().IsRegular() {
		return place{name, name, info}, err
	}
	path, err := filepath.EvalSymlinks(name)
	return place{name, path, info}, err
}

// replaced tells whether a new file takes the place; what is no plain file,
// such as a terminal, a pipe or /dev/null, is written to as it stands.
func (p place) replaced() bool { return p.path != "-" && (p.info == nil || p.info.Mode().IsRegular()) }

// same tells whether two places are one file.
func (p place) same(other place) bool {
	if p.info == nil || p.path == "-" {
		return p.path == other.path
	}
	return p.info.Mode().IsRegular() && os.SameFile(p.info, other.info)
}

// temporary makes a file beside the place, with the mode it is to have.
func (p place) temporary() (*os.File, error) {
	for n := os.Getpid(); ; n++ {
		f, err := os.OpenFile(filepath.Join(filepath.Dir(p.path), fmt.Sprintf(".keping-%d", n)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil && p.info != nil {
			err = f.Chmod(p.info.Mode().Perm())
		}
		return f, err
	}
}

// try tells whether the place can be written.
func (p place) try() error {
	if p.info != nil && p.info.IsDir() {
		return syscall.EISDIR
	}
	if !p.replaced() {
		return nil
	}
	if p.info != nil {
		f, err := os.OpenFile(p.path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		f.Close()
	}
	f, err := p.temporary()
	if f != nil {
		f.Close()
		os.Remove(f.Name())
	}
	return err
}

// Try tells before long work whether its outputs can be written, and refuses
// an output that is an input or another output.
func Try(inputs []string, outputs ...string) error {
	var taken []place
	for _, name := range inputs {
		if name == "-" {
			info, err := os.Stdin.Stat()
			if err == nil {
				taken = append(taken, place{"标准输入", "", info})
			}
		} else if p, err := placeOf(name); name != "" && err == nil { // reading tells what is wrong with an input
			taken = append(taken, p)
		}
	}
	for _, name := range outputs {
		if name == "" {
			continue
		}
		p, err := placeOf(name)
		if err == nil {
			err = p.try()
		}
		if err != nil {
			return unusable(name, err)
		}
		for _, other := range taken {
			if p.same(other) {
				return Usage(fmt.Errorf("输出%s与%s是同一个文件", p.name, other.name))
			}
		}
		taken = append(taken, p)
	}
	return nil
}

// Write writes all outputs or, as far as the system lets it, none: each goes to
// a new file, and these take their places when all of them are whole. A run
// that fails or is killed leaves what was there before.
func Write(outputs ...Output) (err error) {
	var direct []Output
	made := map[string]string{} // where each new file goes
	defer func() {
		for path := range made {
			os.Remove(path)
		}
	}()
	for _, o := range outputs {
		if o.Name == "" {
			continue
		}
		p, err := placeOf(o.Name)
		if err != nil {
			return unusable(o.Name, err)
		}
		if !p.replaced() {
			direct = append(direct, o)
			continue
		}
		f, err := p.temporary()
		if f != nil {
			made[f.Name()] = p.path
		}
		if err != nil {
			return unusable(o.Name, err)
		}
		if err := o.fill(f); err != nil {
			return err
		}
	}
	for _, o := range direct {
		f := os.Stdout
		if o.Name != "-" {
			if f, err = os.OpenFile(o.Name, os.O_WRONLY, 0); err != nil {
				return unusable(o.Name, err)
			}
		}
		if err := o.fill(f); err != nil {
			return err
		}
	}
	for path, to := range made {
		if err := os.Rename(path, to); err != nil {
			return unusable(to, err)
		}
	}
	return nil
}

// fill writes a file to its end and closes it.
func (o Output) fill(f *os.File) error {
	buffered := bufio.NewWriter(f)
	var err error
	if strings.HasSuffix(o.Name, ".gz") {
		z := gzip.NewWriter(buffered)
		err = errors.Join(o.Write(z), z.Close())
	} else {
		err = o.Write(buffered)
	}
	err = errors.Join(err, buffered.Flush())
	if f != os.Stdout {
		err = errors.Join(err, f.Close())
	}
	var system *fs.PathError
	if errors.As(err, &system) {
		return unusable(o.Name, err)
	}
	return err
}

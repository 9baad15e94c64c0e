package outputs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

// shared is the mode of new files, before the umask: reports are there to be shown to others, and hold no secrets.
const shared = 0o644

// checkFile tells what would keep a file from being written, and leaves nothing behind.
func checkFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s: got a directory, want a file", path)
	case err == nil && !info.Mode().IsRegular(): // a pipe or a device: to open it may mean something
		return nil
	case err == nil:
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return fmt.Errorf("%s: cannot be written: %w", path, cause(err))
		}
		return f.Close()
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w", path, cause(err))
	}
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil {
		return fmt.Errorf("%s: the directory %s: %w; want one that is there", path, dir, cause(err))
	} else if !info.IsDir() {
		return fmt.Errorf("%s: %s is no directory", path, dir)
	}
	f, err := os.CreateTemp(dir, ".loadrig-*")
	if err != nil {
		return fmt.Errorf("%s: no file can be made in %s: %w", path, dir, cause(err))
	}
	_ = f.Close()
	return os.Remove(f.Name())
}

// cause gives an error of the file system without the path, which is told already.
func cause(err error) error {
	var with *fs.PathError
	if errors.As(err, &with) {
		return with.Err
	}
	return err
}

// replaceFile has path hold b, whole or not at all: b goes to a file beside it, which takes its place. What is no
// plain file, or cannot be replaced as it is mounted on its own, is written as it is.
func replaceFile(path string, b []byte) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // so that a link stays one
	}
	old, err := os.Stat(path)
	if err == nil && !old.Mode().IsRegular() {
		return writeFile(path, os.O_WRONLY, b)
	}
	mode := fs.FileMode(shared)
	if err == nil {
		mode = old.Mode().Perm()
	}
	failed := replace(path, b, mode)
	if failed == nil || old == nil || isFull(failed) {
		return failed
	}
	return writeFile(path, os.O_WRONLY|os.O_TRUNC, b)
}

func replace(path string, b []byte, mode fs.FileMode) (err error) {
	temporary := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".loadrig-"+strconv.FormatUint(rand.Uint64(), 36))
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary)
		}
	}()
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// appendFile adds b to what the file has.
func appendFile(path string, b []byte) error {
	return writeFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, b)
}

func writeFile(path string, flags int, b []byte) error {
	f, err := os.OpenFile(path, flags, shared)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// stream is a file that grows by whole rows, or standard output.
type stream struct {
	w    io.Writer
	file *os.File // nil for standard output
	good int64    // how much of the file is whole rows
}

// openStream makes the file empty.
func openStream(path string, stdout io.Writer) (*stream, error) {
	if path == Stdout {
		return &stream{w: stdout}, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, shared)
	if err != nil {
		return nil, err
	}
	return &stream{w: f, file: f}, nil
}

// write adds rows: all of them or none, so that what was written before a disk was full stays readable, and goes on
// where it was when there is room again.
func (s *stream) write(rows []byte) error {
	n, err := s.w.Write(rows)
	if err == nil {
		s.good += int64(n)
		return nil
	}
	if s.file != nil && n > 0 {
		_ = s.file.Truncate(s.good) // a pipe has no length
		_, _ = s.file.Seek(s.good, io.SeekStart)
	}
	return err
}

func (s *stream) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

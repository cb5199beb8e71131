package demo

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{"5d": 120 * time.Hour, " 12h\n": 12 * time.Hour, "999d": 999 * 24 * time.Hour} {
		got, err := span(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "5", "-5d", "0d", "1000d", "5d 3h", "5m"} {
		_, err := span(text)
		assert.Error(t, err, text)
	}
}

// TestForward: a visitor moves the clock on by a file, each time it is written,
// and what is no span moves nothing.
func TestForward(t *testing.T) {
	out, err := os.CreateTemp(t.TempDir(), "said")
	require.NoError(t, err)
	defer out.Close()
	s := &story{Options: Options{Out: t.TempDir(), Say: out}}
	s.at(2025, 6, 1, 9)
	began := s.clock.Load()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { s.follow(ctx); close(done) }()
	file := filepath.Join(s.Out, "forward")
	write := func(text string) {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		require.Eventually(t, func() bool { _, err := os.Stat(file); return os.IsNotExist(err) }, 5*time.Second, 10*time.Millisecond)
	}
	write("5d\n")
	write("back")
	write("12h")
	require.Eventually(t, func() bool { return s.clock.Load() == began+5*86400+12*3600 }, 5*time.Second, 10*time.Millisecond)
	stop()
	<-done
	said, err := os.ReadFile(out.Name())
	require.NoError(t, err)
	assert.Contains(t, string(said), "演示时钟拨快5d，现为")
	assert.Contains(t, string(said), "没有拨动")
}

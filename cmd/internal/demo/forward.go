package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"keping/rbac/calendar"
)

var spanForm = regexp.MustCompile(`^([1-9][0-9]{0,2})([dh])$`)

// span reads 5d or 12h: at most 999 days, and never back.
func span(text string) (time.Duration, error) {
	parts := spanForm.FindStringSubmatch(strings.TrimSpace(text))
	if parts == nil {
		return 0, errors.New("应写作 5d（天）或 12h（小时），只能拨快")
	}
	n, err := strconv.Atoi(parts[1])
	unit := time.Hour
	if parts[2] == "d" {
		unit = 24 * time.Hour
	}
	return time.Duration(n) * unit, err
}

// follow moves the demonstration's clock on by what a visitor writes into the
// file “forward” of its folder, so that publicity and other terms can be lived
// through. No server outside the demonstration has a clock that moves.
func (s *story) follow(ctx context.Context) {
	path := filepath.Join(s.Out, "forward")
	every := time.NewTicker(200 * time.Millisecond)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		text, err := os.ReadFile(path)
		if err != nil || len(text) == 0 { // not there, or not yet written
			continue
		}
		err = os.Remove(path)
		on, wrong := span(string(text))
		if err := errors.Join(err, wrong); err != nil {
			fmt.Fprintf(s.Say, "演示时钟没有拨动：%v\n", err)
			continue
		}
		s.pass(on)
		fmt.Fprintf(s.Say, "演示时钟拨快%s，现为%s\n", strings.TrimSpace(string(text)), calendar.Stamp(time.Unix(s.clock.Load(), 0)))
	}
}

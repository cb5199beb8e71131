package calendar_test

import (
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"keping/configs/calendars"
	"keping/rbac/calendar"
)

func shipped(t require.TestingT) calendar.Calendar {
	c := calendar.Calendar{}
	names, err := fs.Glob(calendars.Files, "*.json")
	require.NoError(t, err)
	for _, name := range names {
		data, err := calendars.Files.ReadFile(name)
		require.NoError(t, err)
		y, err := calendar.ParseYear(data)
		require.NoError(t, err)
		c[y.Year] = y
	}
	return c
}

func TestWorkingAfter(t *testing.T) {
	c := shipped(t)
	at := func(s string) time.Time { d, err := calendar.Parse(s); require.NoError(t, err); return d }
	for _, x := range []struct {
		from string
		n    int
		want string
	}{
		{"2025-09-28", 5, "2025-10-11"}, // the holiday 1–8 October, the Saturday 11 October worked
		{"2025-05-30", 1, "2025-06-03"}, // Dragon Boat
		{"2025-06-06", 5, "2025-06-13"},
	} {
		got, err := c.WorkingAfter(at(x.from), x.n)
		require.NoError(t, err)
		assert.Equal(t, x.want, got, x.from)
	}
	_, err := c.WorkingAfter(at("2029-12-30"), 3)
	assert.ErrorContains(t, err, "2029年")
}

func TestDayIsShanghai(t *testing.T) {
	assert.Equal(t, "2025-03-02", calendar.Day(time.Date(2025, 3, 1, 16, 0, 0, 0, time.UTC)))
	end, err := calendar.End("2025-03-01")
	require.NoError(t, err)
	assert.Equal(t, time.Date(2025, 3, 1, 16, 0, 0, 0, time.UTC), end.UTC())
	_, err = calendar.Parse("2025-2-30")
	assert.Error(t, err)
}

func TestCountingIsMonotone(t *testing.T) {
	c := shipped(t)
	rapid.Check(t, func(t *rapid.T) {
		from := time.Date(2024, 1, 1, 0, 0, 0, 0, calendar.Zone).AddDate(0, 0, rapid.IntRange(0, 900).Draw(t, "day"))
		n := rapid.IntRange(1, 30).Draw(t, "n")
		a, err := c.WorkingAfter(from, n)
		require.NoError(t, err)
		b, err := c.WorkingAfter(from, n+1)
		require.NoError(t, err)
		assert.Less(t, a, b)
		d, err := calendar.Parse(a)
		require.NoError(t, err)
		working, err := c.Working(d)
		require.NoError(t, err)
		assert.True(t, working, "a deadline is a working day")
	})
}

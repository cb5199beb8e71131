package reviewing

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"keping/rbac"
)

func TestVoidable(t *testing.T) {
	director := func(user string) Approval { return Approval{user, rbac.Director} }
	supervisor := func(user string) Approval { return Approval{user, rbac.Supervisor} }
	for name, c := range map[string]struct {
		approvals []Approval
		failed    []string
		want      bool
	}{
		"nobody":                           {nil, nil, false},
		"a director":                       {[]Approval{director("d1")}, nil, false},
		"a supervisor":                     {[]Approval{supervisor("s1")}, nil, false},
		"director and supervisor":          {[]Approval{director("d1"), supervisor("s1")}, nil, true},
		"two directors":                    {[]Approval{director("d1"), director("d2")}, nil, false},
		"two supervisors":                  {[]Approval{supervisor("s1"), supervisor("s2")}, nil, false},
		"with the supervisor who failed":   {[]Approval{director("d1"), supervisor("s1")}, []string{"s1"}, false},
		"another supervisor":               {[]Approval{director("d1"), supervisor("s2")}, []string{"s1"}, true},
		"a second director":                {[]Approval{director("d1"), director("d2")}, []string{"s1"}, true},
		"two supervisors, one failed":      {[]Approval{supervisor("s2"), supervisor("s3")}, []string{"s1"}, false},
		"the officer failed, both approve": {[]Approval{director("d1"), supervisor("s1")}, []string{"o1"}, true},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, Voidable(c.approvals, c.failed)) })
	}
}

func TestFailed(t *testing.T) {
	deadline := time.Date(2025, 5, 12, 1, 30, 0, 0, time.UTC)
	d := Draw{RevealBy: &deadline, Committers: rbac.List[Committer]{{"bureau", "o1"}, {"supervisor", "s1"}}}
	assert.Empty(t, d.Failed(nil, deadline), "until the deadline nobody has failed")
	assert.Equal(t, []string{"s1"}, d.Failed([]string{"bureau"}, deadline.Add(time.Second)))
	assert.Equal(t, []string{"o1", "s1"}, d.Failed(nil, deadline.Add(time.Second)))
	assert.Empty(t, d.Failed([]string{"bureau", "supervisor"}, deadline.Add(time.Hour)))
	assert.Empty(t, Draw{}.Failed(nil, deadline), "not yet committed by all: no deadline runs")
}

package verify

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

// Main runs the command that the arguments name and returns the exit status.
func Main(cli any, name, about string, args []string) int {
	parser, err := kong.New(cli, kong.Name(name), kong.Description(about))
	if err != nil {
		panic(err)
	}
	ctx, err := parser.Parse(joined(args))
	if err == nil {
		err = filled(ctx)
	}
	if err == nil {
		return Status(ctx.Run())
	}
	var parse *kong.ParseError
	if errors.As(err, &parse) {
		ctx = parse.Context
	}
	if node := ctx.Selected(); node != nil {
		name = node.FullPath()
	}
	return Status(Usage(fmt.Errorf("%s（用法见 %s --help）", chinese(err.Error()), name)))
}

var negative = regexp.MustCompile(`^-[\d.]`)

// joined ties a negative number to its flag, as no flag here is a digit:
// --scale -5:5 means --scale=-5:5.
func joined(args []string) (out []string) {
	for i, arg := range args {
		if last := len(out) - 1; i > 0 && negative.MatchString(arg) && strings.HasPrefix(out[last], "--") && !strings.Contains(out[last], "=") {
			out[last] += "=" + arg
		} else {
			out = append(out, arg)
		}
	}
	return out
}

// filled refuses what was given as an empty text, such as the value of an
// unset variable of a script: it would count as not given.
func filled(ctx *kong.Context) error {
	for _, path := range ctx.Path {
		value, said := path.Positional, ""
		if path.Flag != nil {
			value, said = path.Flag.Value, "--"+path.Flag.Name
		} else if value != nil {
			said = "<" + value.Name + ">"
		}
		if value == nil {
			continue
		}
		if target := reflect.Indirect(value.Target); target.Kind() == reflect.String && target.Len() == 0 {
			return fmt.Errorf("%s：不能为空", said)
		}
	}
	return nil
}

// phrases are what kong says of wrong usage, and the same in Chinese.
var phrases = []struct {
	english *regexp.Regexp
	chinese string
}{
	{regexp.MustCompile(`, did you mean (?:one of )?(.*)\?`), "；是否为 $1"},
	{regexp.MustCompile(`unknown flag ([^\s；]+)`), "没有选项 $1"},
	{regexp.MustCompile(`unexpected argument ([^；]*)`), "没有“$1”这个命令，或参数多余"},
	{regexp.MustCompile(`missing flags: |missing positional arguments `), "缺少 "},
	{regexp.MustCompile(`expected "(<.*>)"`), "缺少 $1"},
	{regexp.MustCompile(`expected one of (.*)`), "应给出其中之一：$1"},
	{regexp.MustCompile(`(\S+) and (\S+) can't be used together`), "$1 与 $2 只能用一个"},
	{regexp.MustCompile(` must be used together`), " 须同时给出"},
	{regexp.MustCompile(` and --`), " 和 --"},
	{regexp.MustCompile(` must be one of (.*) but got "(.*)"`), "：应为 $1 之一，不是“$2”"},
	{regexp.MustCompile(`: bool value must be .* but got "(.*)"`), "：应为 true 或 false，不是“$1”"},
	{regexp.MustCompile(`: expected a valid \d+ bit u?int but got "(.*)"`), "：“$1”不是整数，或超出范围"},
	{regexp.MustCompile(`: expected a float but got "(.*)" .*`), "：“$1”不是数"},
	{regexp.MustCompile(`: expected \w+ value but got .*`), "：没有给出值"},
}

// chinese is a message of kong's; what is not among the phrases stays as it is.
func chinese(text string) string {
	for _, p := range phrases {
		text = p.english.ReplaceAllString(text, p.chinese)
	}
	return text
}

// Command keping-verify lets an outsider check what the service published:
// draws, the journal, official rankings. It opens no database and no network.
package main

import (
	"os"

	"github.com/alecthomas/kong"

	"keping/cmd/internal/verify"
)

func main() {
	var cli verify.Commands
	parser, err := kong.New(&cli, kong.Name("keping-verify"), kong.Description("科评独立验证工具"), kong.UsageOnError(),
		kong.Exit(func(code int) {
			if code != 0 {
				code = 2
			}
			os.Exit(code)
		}))
	if err != nil {
		panic(err)
	}
	ctx, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	os.Exit(verify.Status(ctx.Run()))
}

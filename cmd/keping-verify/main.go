// Command keping-verify lets an outsider check what the service published:
// draws, the journal, official rankings. It opens no database and no network.
package main

import (
	"os"

	"keping/cmd/internal/verify"
)

func main() {
	os.Exit(verify.Main(new(verify.Commands), "keping-verify", "科评独立验证工具", os.Args[1:]))
}

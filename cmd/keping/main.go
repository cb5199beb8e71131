// Command keping is the whole product in one binary: the service, the
// demonstration, imports, and the tools by which anyone recomputes what the
// service published. Exit status: 0 done, 1 refused by a rule or verification
// failed, 2 bad usage or unreadable input.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"keping/api"
	"keping/cmd/internal/verify"
	"keping/configs"
)

type commands struct {
	Serve   serve           `cmd:"" help:"启动服务（未设置数据库时使用 ./data 下的 SQLite）"`
	Demo    demoCommand     `cmd:"" help:"用仿真数据经 HTTP 接口走完一次立项评审"`
	Check   check           `cmd:"" help:"检查不变量：日志、席位、评分、排名是否前后一致"`
	Bench   benchCommand    `cmd:"" help:"测量请求与引擎的用时"`
	Import  importing       `cmd:"" help:"导入专家、单位、申报书（.xlsx 或 .csv）"`
	Journal journalling     `cmd:"" help:"导出日志"`
	User    user            `cmd:"" help:"建立首批管理员、重置密码、停用账号"`
	Rank    rankCommand     `cmd:"" help:"由评分表推算期望名次、名次区间和资助线（参考意见）"`
	Assign  assignCommand   `cmd:"" help:"为每个项目指派专家，亲和度总和最大并附最优性证书"`
	Names   names           `cmd:"" help:"比对单位或人员名称，判定是否同一、相关"`
	Verify  verify.Commands `cmd:"" help:"验证抽取记录、日志、排名、参考排序、指派、公示"`
	Secret  verify.Secret   `cmd:"" help:"在本机生成秘密及其承诺"`
	Draw    verify.Draw     `cmd:"" help:"用候选名单和各方秘密重算抽取"`
}

func main() {
	os.Exit(verify.Main(new(commands), "keping", "科评：重大（重点）专项评审与专家管理", os.Args[1:]))
}

type serve struct {
	Config string `help:"配置文件（YAML）" type:"path"`
}

// Run serves until interrupted.
func (s serve) Run() error {
	cfg, err := configs.Load(s.Config)
	if err != nil {
		return verify.Usage(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	app, err := api.Open(ctx, cfg, time.Now)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return errors.Join(err, app.Close())
	}
	fmt.Fprintf(os.Stderr, "科评已启动：http://%s\n", listener.Addr())
	return errors.Join(app.Serve(ctx, listener), app.Close())
}

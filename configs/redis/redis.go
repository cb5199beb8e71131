// Package redis opens the optional Redis, which several replicas need for
// throttling and for waking each other up, and which keeps their sessions.
package redis

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Open connects to url; an empty url gives nil: everything stays in process.
func Open(ctx context.Context, url string) (*redis.Client, error) {
	if url == "" {
		return nil, nil
	}
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("redis.url：%w", err)
	}
	client := redis.NewClient(options)
	if err := client.Ping(ctx).Err(); err != nil {
		client.Close()
		return nil, fmt.Errorf("连接 Redis 失败：%w", err)
	}
	return client, nil
}

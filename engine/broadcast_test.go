package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine/tune"
)

func TestBroadcast(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var all []*Engine
	for _, name := range []string{"a", "b", "c"} {
		cfg := Local()
		cfg.Name = name
		e, err := Start(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		if len(all) > 0 {
			if _, err := e.Join(ctx, all[0].Addr().String()); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, e)
	}
	for _, e := range all {
		if err := e.WaitConverged(ctx); err != nil {
			t.Fatal(err)
		}
	}
	got := make(chan Broadcast, 3)
	for _, e := range all {
		seq := e.Subscribe(ctx, "deploy")
		go func() {
			for b, err := range seq {
				if err != nil {
					return
				}
				got <- b
				return
			}
		}()
	}
	if _, err := all[1].Broadcast("other", nil); err != nil {
		t.Fatal(err)
	}
	tm, err := all[1].Broadcast("deploy", []byte("v2"))
	if err != nil || tm < 2 {
		t.Fatal(tm, err)
	}
	for range all {
		select {
		case b := <-got:
			if b.Topic != "deploy" || string(b.Payload) != "v2" || b.From != "b" || b.Time != tm {
				t.Errorf("%+v", b)
			}
		case <-ctx.Done():
			t.Fatal("not everybody heard it")
		}
	}
	if _, err := all[0].Broadcast("t", make([]byte, BroadcastBytesMax)); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	if _, err := all[0].Broadcast("", nil); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

func TestContradictoryModesAreRefused(t *testing.T) {
	cfg := Local()
	cfg.Name, cfg.Tune.Spread = "a", tune.SpreadMail
	cfg.Tune.Rumor = tune.RumorPolicy{K: 2}
	if _, err := Start(context.Background(), cfg); err == nil {
		t.Error("mail with a rumor policy was taken")
	} else {
		t.Log(err)
	}
	cfg.Tune.Spread, cfg.Tune.Rumor = tune.SpreadRumor, tune.RumorPolicy{K: 2, Minimize: true, Blind: true}
	if _, err := Start(context.Background(), cfg); err == nil {
		t.Error("minimization and blind were taken together")
	} else {
		t.Log(err)
	}
}

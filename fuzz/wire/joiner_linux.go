package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// joinCell is one link that a member joins over.
type joinCell struct {
	rate int // bits a second
	loss float64
	all  bool // loses other packets than datagrams too
}

// joinCells are those of the table: over links of so many Mbit/s, that lose each share of the
// datagrams, and each of all packets.
func joinCells(rates, losses []int, of string) (list []joinCell, err error) {
	if of != "" && of != "datagrams" && of != "all" {
		return nil, fmt.Errorf("-join.of %s: it is datagrams or all", of)
	}
	for _, rate := range rates {
		for _, percent := range losses {
			for _, all := range []bool{false, true} {
				if percent == 0 && all || of == "all" && !all || of == "datagrams" && all {
					continue // without loss both are one
				}
				list = append(list, joinCell{rate * 1_000_000, float64(percent) / 100, all})
			}
		}
	}
	return list, nil
}

func (c *joinCell) String() string {
	what := "datagrams"
	if c.all {
		what = "all"
	}
	return fmt.Sprintf("%4d Mbit/s  %4.0f %% of %-9s", c.rate/1_000_000, c.loss*100, what)
}

// joinTable measures how a member that joins comes by a store of so many keys, over each link
// with streams and without, and prints a row each. The engine chooses what goes over streams. One
// that is not level after wait is shown with the share of versions that it has then.
func joinTable(ctx context.Context, out io.Writer, keys int, wait time.Duration, cells []joinCell) error {
	w, err := newWire(2, 1)
	if err != nil {
		return err
	}
	defer w.close()
	w.start()
	full, err := spawn(w.hosts[0])
	if err != nil {
		return err
	}
	defer full.kill()
	held, err := full.tellFor(order{Do: "fill", Name: fullName, Bind: addressOf(0).String() + ":7946", Keys: keys, Streams: true}, joinWait)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d keys of %d + %d bytes; time to equal, bytes on the wire in both directions, most memory of the joiner\n", keys, joinKeyBytes, joinValueBytes)
	fmt.Fprintf(out, "%-36s | with streams                            | without                       | with / better\n", "")
	for i, c := range cells {
		var took [2]time.Duration
		fmt.Fprintf(out, "%v |", &c)
		for side, streams := range []bool{true, false} {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			r, bytes, err := w.joinOver(&c, order{
				Do: "arrive", Name: fmt.Sprintf("joiner-%d-%d", i, side), Bind: addressOf(1).String() + ":7946", Keys: keys, Streams: streams,
				Seeds: []string{held.Addr}, Seq: held.Seq, Wait: wait,
			})
			if err != nil {
				return fmt.Errorf("%v: %w", &c, err)
			}
			if took[side] = r.Took; r.Took == 0 {
				took[side] = wait // at least
				fmt.Fprintf(out, " not level within %v: %d %% |", wait, 100*r.Seq/held.Seq)
				continue
			}
			fmt.Fprintf(out, " %7.2f s %6.1f MB %4d MiB", r.Took.Seconds(), float64(bytes)/1e6, r.Peak>>20)
			if streams {
				fmt.Fprintf(out, " %3d %% streamed", int(100*float64(r.Streamed)/float64(max(1, keys*(joinKeyBytes+joinValueBytes)))))
			}
			fmt.Fprint(out, " |")
		}
		fmt.Fprintf(out, " %.2f\n", float64(took[0])/float64(min(took[0], took[1])))
	}
	return nil
}

// joinOver has a member join over a link.
func (w *wire) joinOver(c *joinCell, o order) (r report, bytes uint64, err error) {
	p := path{LossDatagrams: c.loss}
	if c.all {
		p = path{Loss: c.loss}
	}
	w.set(p, func(int, int) bool { return true })
	w.throttle(1, c.rate/8)
	joiner, err := spawn(w.hosts[1])
	if err != nil {
		return r, 0, err
	}
	defer joiner.kill()
	before := w.bytes()
	r, err = joiner.tellFor(o, o.Wait+2*patience)
	return r, w.bytes() - before, err
}

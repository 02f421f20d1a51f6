package load

import (
	"slices"
	"strconv"
	"strings"

	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
)

// rumorWords are what --rumor may say, beside k=N.
var rumorWords = map[string]func(p *tune.RumorPolicy){
	"push":      func(p *tune.RumorPolicy) { p.Shape = tune.ShapePush },
	"pull":      func(p *tune.RumorPolicy) { p.Shape = tune.ShapePull },
	"push-pull": func(p *tune.RumorPolicy) { p.Shape = tune.ShapePushPull },
	"counter":   func(p *tune.RumorPolicy) { p.Loss = tune.LossCounter },
	"coin":      func(p *tune.RumorPolicy) { p.Loss = tune.LossCoin },
	"median": func(p *tune.RumorPolicy) {
		p.Loss, p.Shape, p.Final = tune.LossMedian, tune.ShapePushPull, max(p.Final, 1)
	},
	"blind":        func(p *tune.RumorPolicy) { p.Blind = true },
	"feedback":     func(p *tune.RumorPolicy) { p.Blind = false },
	"minimize":     func(p *tune.RumorPolicy) { p.Minimize = true },
	"reset":        func(p *tune.RumorPolicy) { p.Reset = true },
	"redistribute": func(p *tune.RumorPolicy) { p.Redistribute = true },
}

// RumorHelp lists the words in the order in which one chooses.
const RumorHelp = "push, pull, push-pull; counter, coin, median; blind, feedback; k=N; minimize, reset, redistribute"

// parseRumor reads words with commas between them; "" is the engine's default.
func parseRumor(text string) (p tune.RumorPolicy, err error) {
	if text == "" {
		return p, nil
	}
	p.K = 1
	for word := range strings.SplitSeq(text, ",") {
		if number, ok := strings.CutPrefix(word, "k="); ok {
			k, err := strconv.ParseUint(number, 10, 8)
			if err != nil || k < 1 || k > 254 {
				return p, flagError("rumor", text, "k is from 1 to 254", "for example --rumor push,feedback,counter,k=2")
			}
			p.K = uint8(k)
			continue
		}
		set := rumorWords[word]
		if set == nil {
			return p, flagError("rumor", text, strconv.Quote(word)+" is not known", "words of: %s", RumorHelp)
		}
		set(&p)
	}
	if why := p.Check(); why != nil {
		return p, flagError("rumor", text, why.Error(), "for example --rumor push-pull,counter,minimize,k=2")
	}
	return p, nil
}

// oneOf is nil if value is known.
func oneOf(flag, value string, known ...string) error {
	if slices.Contains(known, value) {
		return nil
	}
	if near := exit.Nearest(value, known); near != "" {
		return flagError(flag, value, "not known", "--%s %s", flag, near)
	}
	return flagError(flag, value, "not known", "one of %s", strings.Join(known, ", "))
}

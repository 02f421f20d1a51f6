package agent

import (
	"errors"
	"fmt"
	"strings"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
)

// flagOf is the flag that sets a field of engine.Config.
var flagOf = map[string]string{
	"Name": "--name", "Cluster": "--cluster", "Bind": "--bind", "Advertise": "--advertise", "Zone": "--zone", "Tags": "--tag",
	"Seeds": "--join", "SecretFiles": "--key-file", "Insecure": "--insecure", "LeaveTimeout": "--leave-timeout",
	"Disk.Path": "--data", "Disk.Sync": "--sync", "Limits.Keys": "--limit-keys", "Limits.ValueBytes": "--limit-bytes",
}

// inFlags puts what the engine says of itself into words of the command line.
var inFlags = strings.NewReplacer(
	"Secrets or SecretFiles", "--key-file", "SecretFiles", "--key-file", "Insecure: true", "--insecure", "Config.", "", "engine: ", "", "batch: ", "",
)

// badFlag is what is wrong with the configuration, as an error of the flags.
func badFlag(err error) error {
	var list []string
	var add func(err error)
	add = func(err error) {
		var bad *engine.ConfigError
		several, joined := err.(interface{ Unwrap() []error })
		switch {
		case joined:
			for _, e := range several.Unwrap() {
				add(e)
			}
		case errors.As(err, &bad):
			field, rest, indexed := strings.Cut(bad.Field, "[")
			if indexed {
				rest = "[" + rest
			}
			name, known := flagOf[field]
			if !known {
				name = field
			}
			list = append(list, fmt.Sprintf("%s%s %s: %s; fix: %s", name, rest, bad.Value, inFlags.Replace(bad.Problem), inFlags.Replace(bad.Fix)))
		default:
			list = append(list, inFlags.Replace(err.Error()))
		}
	}
	add(err)
	return exit.Usagef("%s", strings.Join(list, "; and "))
}

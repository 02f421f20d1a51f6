package agent

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/spf13/pflag"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
)

// Options are the settings of an agent.
type Options struct {
	Config string

	Name, Cluster, Bind, Advertise, Zone, Profile string
	Join                                          []string
	Tags                                          map[string]string
	KeyFiles                                      []string
	SigningKeyFile                                string
	Insecure                                      bool
	Keys                                          int
	ValueBytes                                    units.Size
	LeaveTimeout                                  time.Duration
	Data                                          string
	Sync                                          engine.Sync
	DataKeys                                      bool

	HTTP, Socket, TokenFile string
	Hosts                   []string
	RESP, PasswordFile      string
	DNS, DNSZone            string

	ReadyMembers int
	LogLevel     string
	LogFormat    string
}

// envPrefix begins the names of the variables.
const envPrefix = "QN_"

// Flags adds the flags to fs.
func (o *Options) Flags(fs *pflag.FlagSet) {
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	fs.SortFlags = false
	fs.StringVar(&o.Config, "config", "", "TOML file with settings; a flag and a variable go before it")
	fs.StringVar(&o.Name, "name", host, "name of this member, unique in the cluster")
	fs.StringVar(&o.Cluster, "cluster", "default", "name of the cluster: members of different ones never merge")
	fs.StringVar(&o.Bind, "bind", "127.0.0.1:7946", "UDP address for the other members")
	fs.StringVar(&o.Advertise, "advertise", "", "address that others are told to use (default: the bound one, or what others see)")
	fs.StringSliceVar(&o.Join, "join", nil, "members to join: host:port, dns://host:port or dns+srv://_service._udp.name; asked for ever")
	fs.StringVar(&o.Zone, "zone", "", "failure domain of this member")
	fs.StringToStringVar(&o.Tags, "tag", nil, "what this member says of itself: service=web,port=8080")
	fs.StringSliceVar(&o.KeyFiles, "key-file", nil, "files with the cluster's keys (qn keys gen makes one)")
	fs.StringVar(&o.SigningKeyFile, "signing-key-file", "", "file with this member's own key, which signs what it writes (qn keys signing gen makes one)")
	fs.BoolVar(&o.Insecure, "insecure", false, "allow traffic beyond loopback without keys")
	fs.StringVar(&o.Profile, "profile", "lan", "times that fit the network: lan, wan or local")
	fs.IntVar(&o.Keys, "limit-keys", 0, "live keys of all members that are kept (default: the engine's)")
	fs.Var(&o.ValueBytes, "limit-bytes", "bytes of all keys and values (default: the engine's)")
	fs.DurationVar(&o.LeaveTimeout, "leave-timeout", 2*time.Second, "how long the leave is announced at the end; below zero it is not")
	fs.StringVar(&o.Data, "data", "", "directory that keeps this member's keys over restarts, and whom to join again (default: nothing is kept)")
	fs.TextVar(&o.Sync, "sync", engine.SyncInterval, "when --data is forced to the disk: interval (each second), never, or each write before it is answered")
	fs.BoolVar(&o.DataKeys, "data-keys", false, "keep the cluster's keys in --data too, as qn keys has changed them; the directory is for this user alone then")
	fs.StringVar(&o.HTTP, "http", "127.0.0.1:7947", "address of the HTTP front, empty for none")
	fs.StringVar(&o.Socket, "socket", "", "unix socket of the HTTP front, for this user alone")
	fs.StringVar(&o.TokenFile, "http-token-file", "", "file with the token that HTTP requests must carry; required beyond loopback")
	fs.StringSliceVar(&o.Hosts, "http-host", nil, "names beside addresses and localhost that HTTP requests may be for")
	fs.StringVar(&o.RESP, "resp", "127.0.0.1:7979", "address of the front for clients of Redis, empty for none")
	fs.StringVar(&o.PasswordFile, "resp-password-file", "", "file with the password for AUTH; required beyond loopback")
	fs.StringVar(&o.DNS, "dns", "127.0.0.1:7953", "address of the DNS front, UDP and TCP, empty for none")
	fs.StringVar(&o.DNSZone, "dns-zone", "qn", "zone of the DNS front")
	fs.IntVar(&o.ReadyMembers, "ready-members", 1, "/readyz says yes when so many members are alive, this one included")
	fs.StringVar(&o.LogLevel, "log-level", "info", "debug, info, warn or error")
	fs.StringVar(&o.LogFormat, "log-format", "text", "text or json")
}

// Load fills what no flag has set, from the environment and the file. Fill is done once more for
// each SIGHUP.
func Load(fs *pflag.FlagSet, env func(string) (string, bool)) error {
	file := fs.Lookup("config")
	if v, ok := env(envName("config")); ok && !file.Changed {
		if err := file.Value.Set(v); err != nil {
			return err
		}
	}
	settings, err := readFile(fs, file.Value.String())
	if err != nil {
		return err
	}
	var failed error
	fs.VisitAll(func(f *pflag.Flag) {
		if failed != nil || f.Changed || f.Name == "config" || f.Name == "help" {
			return
		}
		if v, ok := env(envName(f.Name)); ok {
			if err := f.Value.Set(v); err != nil {
				failed = exit.Usagef("%s=%s: %s", envName(f.Name), v, exit.Wanted(f, err))
			}
			return
		}
		if v, ok := settings[keyName(f.Name)]; ok {
			if err := set(f, v); err != nil {
				failed = exit.Usagef("%s: %s = %v: %w", file.Value, keyName(f.Name), v, err)
			}
		}
	})
	return failed
}

func envName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func keyName(flag string) string { return strings.ReplaceAll(flag, "-", "_") }

// readFile reads a TOML file and refuses keys that are no settings.
func readFile(fs *pflag.FlagSet, path string) (settings map[string]any, err error) {
	if path == "" {
		return nil, nil
	}
	if _, err := toml.DecodeFile(path, &settings); err != nil {
		return nil, exit.Usagef("--config %s: %w; fix: correct the file, or leave --config out", path, err)
	}
	var known []string
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Name != "config" && f.Name != "help" {
			known = append(known, keyName(f.Name))
		}
	})
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		if err := exit.OneOf("--config "+path+": key", key, known); err != nil {
			return nil, err
		}
	}
	return settings, nil
}

// set gives a flag a value of TOML: a list for a list, a table for tags, and anything else as it is
// written.
func set(f *pflag.Flag, v any) error {
	switch v := v.(type) {
	case []any:
		list, ok := f.Value.(pflag.SliceValue)
		if !ok {
			return fmt.Errorf("a list is not what it takes; fix: one value")
		}
		var words []string
		for _, x := range v {
			words = append(words, fmt.Sprint(x))
		}
		return list.Replace(words)
	case map[string]any:
		if f.Value.Type() != "stringToString" {
			return fmt.Errorf("a table is not what it takes; fix: one value")
		}
		var pairs []string
		for key, x := range v {
			pairs = append(pairs, fmt.Sprintf("%s=%v", key, x))
		}
		slices.Sort(pairs)
		return f.Value.Set(strings.Join(pairs, ","))
	}
	if err := f.Value.Set(fmt.Sprint(v)); err != nil {
		return errors.New(exit.Wanted(f, err))
	}
	return nil
}

// engineConfig is what the engine is started with.
func (o *Options) engineConfig() (cfg engine.Config, err error) {
	switch o.Profile {
	case "lan":
		cfg = engine.LAN()
	case "wan":
		cfg = engine.WAN()
	case "local":
		cfg = engine.Local()
	default:
		return cfg, exit.OneOf("--profile", o.Profile, []string{"lan", "wan", "local"})
	}
	cfg.Name, cfg.Cluster, cfg.Bind, cfg.Advertise, cfg.Zone, cfg.Tags = o.Name, o.Cluster, o.Bind, o.Advertise, o.Zone, o.Tags
	cfg.Seeds, cfg.SecretFiles, cfg.Insecure, cfg.LeaveTimeout = o.Join, o.KeyFiles, o.Insecure, o.LeaveTimeout
	if o.SigningKeyFile != "" {
		cfg.Signing = &engine.Signing{KeyFile: o.SigningKeyFile}
	}
	if cfg.Disk.Path = o.Data; o.Data != "" {
		cfg.Disk.Sync, cfg.Disk.KeepSecrets = o.Sync, o.DataKeys
	} else if o.DataKeys {
		return cfg, exit.Usagef("--data-keys: nothing is kept; fix: --data DIR, or leave it out")
	} else if o.Sync != engine.SyncInterval {
		return cfg, exit.Usagef("--sync %s: nothing is kept; fix: --data DIR, or leave it out", o.Sync)
	}
	if o.ReadyMembers < 1 {
		return cfg, exit.Usagef("--ready-members %d: too few; fix: --ready-members 1, or more", o.ReadyMembers)
	}
	if o.Keys != 0 {
		cfg.Limits.Keys = o.Keys
	}
	if o.ValueBytes > 0 {
		cfg.Limits.ValueBytes = int(o.ValueBytes)
	}
	return cfg, nil
}

// secret reads the first line of a file that nobody but its owner may read.
func secret(flag, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", exit.Usagef("--%s: %w", flag, err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return "", exit.Usagef("--%s %s: everybody can read it; fix: chmod 600 %s", flag, path, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", exit.Usagef("--%s: %w", flag, err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", exit.Usagef("--%s %s: it is empty; fix: write the secret into its first line", flag, path)
	}
	return line, nil
}

package cli

import (
	"flag"

	_ "github.com/golang/glog" // registers its flags on flag.CommandLine
)

// LogFlags adds the flags of the log: -v N prints what the command does, such
// as the programs that it runs, on standard error. Without it nothing is
// logged, and no log files are ever written.
func LogFlags(fs *flag.FlagSet) {
	// The log is told where to write, and that flags are parsed: those of the
	// command are in a set of their own.
	flag.CommandLine.Set("logtostderr", "true")
	flag.CommandLine.Parse(nil)
	v := flag.Lookup("v")
	fs.Var(v.Value, "v", "level of the log on standard error: 1 names the programs that are run and the files that are written")
}

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"epgen/cmd/internal/cli"
	"epgen/ep"
	"epgen/fixedpoint"
)

// arm is one variant of the study of formats: what is varied, and what came out.
type arm struct {
	Group  string            `json:"group"` // whose curve it belongs to
	Bits   int               `json:"bits"`  // fractional bits that the group varies
	State  fixedpoint.Format `json:"state"`
	Weight fixedpoint.Format `json:"weight"`
	Update string            `json:"update"` // float64 master, or the rounding of the hardware's update
	Index  string            `json:"pool_index"`

	Difference int `json:"difference_bits,omitempty"` // of nudged phases that hold differences; 0: states

	Loss     float64    `json:"test_loss"`
	Accuracy float64    `json:"test_accuracy"`
	Cosines  []*float64 `json:"cosine"` // to BPTT, by layer; null where BPTT or the estimate is 0
}

const floatMaster = "float64 master"

// stateBits and weightBits are the fractional bits that are tried, one with the
// other as configured.
var (
	stateBits  = []int{4, 5, 6, 8, 10, 12, 15}
	weightBits = []int{4, 5, 6, 8, 10, 12, 14}
)

// differenceStates are the fractional bits of states that are tried with differences of
// differenceBits, fewDifferences those that are tried with differences of as many.
var (
	differenceStates = []int{4, 5, 6, 8}
	fewDifferences   = []int{4, 6}
)

const differenceBits = 8

// narrowStates are the fractional bits of states where weights are varied with them.
const narrowStates = 8

// arms returns the variants of a configuration: states, then weights with a float64
// master, then weights alone under the hardware's update in both roundings, then these with
// narrow states, then narrow states with differences in the nudged phases, then the other
// choice of pool indices.
func arms(cfg *ep.Config) []arm {
	var list []arm
	add := func(group string, bits int, set func(f *ep.Formats, a *arm)) {
		f := cfg.Formats
		a := arm{Group: group, Bits: bits, Update: floatMaster, Index: cfg.PoolIndex.String()}
		set(&f, &a)
		a.State, a.Weight = f.State, f.Weight
		list = append(list, a)
	}
	for _, bits := range stateBits {
		add("states", bits, func(f *ep.Formats, _ *arm) { f.State.Frac = bits })
	}
	for _, bits := range weightBits {
		add("weights, master", bits, func(f *ep.Formats, _ *arm) { f.Weight.Frac = bits })
	}
	for _, mode := range []fixedpoint.Rounding{fixedpoint.NearestEven, fixedpoint.Stochastic} {
		for _, bits := range weightBits {
			add("weights, "+mode.String(), bits, func(f *ep.Formats, a *arm) {
				f.Weight.Frac, a.Update = bits, mode.String()
			})
		}
	}
	for _, bits := range []int{6, 8, 10} {
		add("both, stochastic", bits, func(f *ep.Formats, a *arm) {
			f.State.Frac, f.Weight.Frac, a.Update = narrowStates, bits, fixedpoint.Stochastic.String()
		})
	}
	other := ep.Live
	if cfg.PoolIndex == ep.Live {
		other = ep.Frozen
	}
	if takesDifferences(cfg) {
		for _, bits := range differenceStates {
			add("states, differences of 8 bits", bits, func(f *ep.Formats, a *arm) { f.State.Frac, a.Difference = bits, differenceBits })
		}
		for _, bits := range fewDifferences {
			add("differences", bits, func(f *ep.Formats, a *arm) { f.State.Frac, a.Difference = bits, bits })
		}
	}
	add("indices", cfg.Formats.State.Frac, func(_ *ep.Formats, a *arm) { a.Index = other.String() })
	return list
}

// takesDifferences reports whether the nudged phases of a configuration may hold differences.
func takesDifferences(cfg *ep.Config) bool {
	c := *cfg
	c.Formats.DifferenceBits, c.Formats.DifferenceShift = differenceBits, []int{0}
	return c.Validate() == nil
}

// config returns the configuration and the options of an arm.
func (a *arm) config(base *ep.Config, opt ep.TrainOptions) (*ep.Config, ep.TrainOptions, error) {
	cfg := *base
	cfg.Formats.State, cfg.Formats.Weight = a.State, a.Weight
	cfg.Formats.LayerState, cfg.Formats.LayerWeight = nil, nil
	cfg.Formats.DifferenceBits, cfg.Formats.DifferenceShift = a.Difference, nil
	opt.Fixed, opt.HardwareUpdate = true, a.Update != floatMaster
	if opt.HardwareUpdate {
		if err := cfg.Formats.UpdateRounding.UnmarshalText([]byte(a.Update)); err != nil {
			return nil, opt, err
		}
	}
	return &cfg, opt, cfg.PoolIndex.UnmarshalText([]byte(a.Index))
}

// same reports whether two arms are the same variant.
func (a *arm) same(b *arm) bool {
	return a.Group == b.Group && a.State == b.State && a.Weight == b.Weight && a.Update == b.Update && a.Index == b.Index && a.Difference == b.Difference
}

// precision trains the network anew in each format, from the same parameters on the same
// mini-batches, or takes the given weights as they are, and prints test accuracy and the cosine
// of each layer's estimate to BPTT on a batch of test samples. With -o it
// also writes table and plots, and a line for each variant to precision.jsonl; those that
// are there already are not repeated.
func precision(s *settings, w io.Writer) error {
	if s.Options.Momentum != 0 || s.Options.Decay != 0 {
		return fmt.Errorf("flags -momentum and -decay: %v and %v, want both 0: -precision compares with the hardware's update, which has neither",
			s.Options.Momentum, s.Options.Decay)
	}
	study, err := newStudy(s)
	if err != nil {
		return err
	}
	list := arms(study.cfg)
	stage := cli.NewProgress(os.Stderr).Stage("formats", len(list))
	for i := range list {
		stage.Add(1)
		if done := slices.IndexFunc(study.done, func(a arm) bool { return a.same(&list[i]) }); done >= 0 {
			list[i] = study.done[done]
			continue
		}
		if err := study.run(&list[i]); err != nil {
			return err
		}
		if err := study.note(&list[i]); err != nil {
			return err
		}
	}
	stage.Done()
	if err := writeArms(w, study.cfg, list); err != nil || s.Out == "" {
		return err
	}
	err = writeAtomic(filepath.Join(s.Out, "precision.txt"), func(w io.Writer) error { return writeArms(w, study.cfg, list) })
	if err != nil {
		return err
	}
	return plotArms(s.Out, study.cfg, list)
}

// study is what all arms have in common.
type study struct {
	s       *settings
	cfg     *ep.Config
	data    *ep.Dataset
	p       *ep.FloatParams
	samples *ep.FloatSamples
	done    []arm // of an earlier call
}

const armsName = "precision.jsonl"

// newStudy loads what the arms have in common, and the arms that were done before.
func newStudy(s *settings) (*study, error) {
	z := &study{s: s}
	var err error
	if z.cfg, z.data, z.p, err = s.load(); err != nil {
		return nil, err
	}
	if z.samples, err = s.samples(z.cfg, z.data); err != nil || s.Out == "" {
		return z, err
	}
	if err := os.MkdirAll(s.Out, 0o777); err != nil {
		return nil, fmt.Errorf("directory %s: %w", s.Out, cli.OSCause(err))
	}
	path := filepath.Join(s.Out, armsName)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, cli.OSCause(err))
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var a arm
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", path, len(z.done)+1, err)
		}
		z.done = append(z.done, a)
	}
	return z, nil
}

// note adds an arm to the file of those done.
func (z *study) note(a *arm) error {
	z.done = append(z.done, *a)
	if z.s.Out == "" {
		return nil
	}
	return writeAtomic(filepath.Join(z.s.Out, armsName), func(w io.Writer) error {
		e := json.NewEncoder(w)
		for i := range z.done {
			if err := e.Encode(&z.done[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// run trains, unless weights are given, and measures an arm.
func (z *study) run(a *arm) error {
	cfg, opt, err := a.config(z.cfg, z.s.Options)
	if err != nil {
		return err
	}
	if a.Difference > 0 {
		if _, cfg.Formats.DifferenceShift, err = ep.DifferenceShifts(cfg, a.Difference, z.p, z.samples); err != nil {
			return err
		}
	}
	t, err := ep.NewTrainer(cfg, opt, z.p.Clone(), z.data)
	if err != nil {
		return err
	}
	for z.s.sources.Weights == "" && !t.Done() {
		for t.Batch < t.Batches() {
			if _, _, err := t.Step(); err != nil {
				return fmt.Errorf("%s, %d bits: %w", a.Group, a.Bits, err)
			}
		}
		t.EndEpoch()
	}
	score := t.Evaluate(nil)
	a.Loss, a.Accuracy = score.Loss, score.Accuracy
	m, err := ep.NewFixed(cfg)
	if err != nil {
		return err
	}
	check, err := m.CheckGradient(t.Params.Quantize(&cfg.Formats), z.samples.Quantize(cfg))
	if err != nil {
		return err
	}
	for _, l := range check.Layers {
		var cosine *float64
		if l.Weight.Norm > 0 {
			cosine = &l.Weight.Cosine
		}
		a.Cosines = append(a.Cosines, cosine)
	}
	return nil
}

// writeArms prints the table.
func writeArms(w io.Writer, cfg *ep.Config, list []arm) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprint(t, "states\tweights\tupdate\tindices\ttest loss\ttest accuracy")
	for _, l := range cfg.Network.Layers {
		fmt.Fprintf(t, "\tcosine %s", l.Name)
	}
	fmt.Fprintln(t)
	group := list[0].Group
	for i := range list {
		a := &list[i]
		if a.Group != group {
			group = a.Group
			fmt.Fprintln(t)
		}
		state := a.State.String()
		if a.Difference > 0 {
			state += fmt.Sprintf(", d %d", a.Difference)
		}
		fmt.Fprintf(t, "%s\t%v\t%s\t%s\t%.4f\t%.2f %%", state, a.Weight, a.Update, a.Index, a.Loss, 100*a.Accuracy)
		for _, c := range a.Cosines {
			if c == nil {
				fmt.Fprint(t, "\t-")
				continue
			}
			fmt.Fprintf(t, "\t%.4f", *c)
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

// plotArms draws accuracy over bits for each group, and the cosines over the bits of states
// and of weights.
func plotArms(dir string, cfg *ep.Config, list []arm) error {
	groups := map[string]*curve{}
	var accuracy []*curve
	cosines := map[string][]curve{}
	for i := range list {
		a := &list[i]
		if a.Group == "indices" || a.Group == "differences" { // single points, and other bits than the axis has
			continue
		}
		c, x := groups[a.Group], float64(a.Bits)
		if c == nil {
			c = &curve{name: a.Group}
			groups[a.Group], accuracy = c, append(accuracy, c)
			for _, l := range cfg.Network.Layers {
				cosines[a.Group] = append(cosines[a.Group], curve{name: l.Name})
			}
		}
		c.x, c.y = append(c.x, x), append(c.y, a.Accuracy)
		for n, v := range a.Cosines {
			if v != nil {
				l := &cosines[a.Group][n]
				l.x, l.y = append(l.x, x), append(l.y, *v)
			}
		}
	}
	var curves []curve
	for _, c := range accuracy {
		curves = append(curves, *c)
	}
	if err := draw(dir, "precision-accuracy", "fractional bits", "test accuracy", false, curves); err != nil {
		return err
	}
	if err := draw(dir, "precision-states", "fractional bits of states", "cosine to BPTT", false, cosines["states"]); err != nil {
		return err
	}
	return draw(dir, "precision-weights", "fractional bits of weights", "cosine to BPTT", false, cosines["weights, master"])
}

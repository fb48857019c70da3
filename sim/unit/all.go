package unit

import "fmt"

// All returns every bench, in the order in which they are to run. It panics if
// the designs that they bench cannot be made, which the tests rule out.
func All() []*Bench {
	ds, err := designs()
	if err != nil {
		panic(fmt.Sprintf("unit: %v", err))
	}
	heads, narrowHeads := ds["heads"], ds["narrow-heads"]
	single, narrow, even, means, bare, real, sweep, tall, wide := ds["single"], ds["narrow"], ds["even"], ds["means"], ds["bare"], ds["real"], ds["sweep"], ds["tall"], ds["wide"]
	chip := ds["chip"]
	settle, mixed := ds["settle"], ds["mixed"]
	points, outside, headedPoints, taught := ds["points"], ds["outside"], ds["headed-points"], ds["taught"]
	moving, movingOne := ds["moving"], ds["moving-one"]
	given, givenChip := ds["given"], ds["given-chip"]
	five, third, ninth := ds["five"], ds["third"], ds["ninth"]
	return join(
		inGroup("arithmetic", append(inferenceBenches(ds, arrayBench, laneBench, operandsBench), roundingBench(),
			updateBench(single, true), updateBench(narrow, true), updateBench(even, false), updateBench(bare, true), updateBench(real, false), updateBench(settle, false), updateBench(mixed, false),
			keptLaneBench(ds["keeps"]), keptLaneBench(ds["sums"]), keptLaneBench(ds["decays"]), keptLaneBench(ds["masters"]),
			arrayBench(single), arrayBench(narrow), arrayBench(real), arrayBench(tall), arrayBench(wide), arrayBench(five), arrayBench(third), arrayBench(ninth),
			laneBench(single), laneBench(narrow), laneBench(even), laneBench(means), laneBench(bare), laneBench(real), laneBench(sweep), laneBench(settle), laneBench(tall), laneBench(mixed),
			laneBench(points), laneBench(outside), laneBench(heads), laneBench(headedPoints), operandsBench(points), operandsBench(headedPoints), operandsBench(ds["headed-wide"]),
			laneBench(given), operandsBench(given), operandsBench(givenChip),
			arrayBench(moving), laneBench(moving), laneBench(movingOne), operandsBench(moving), operandsBench(movingOne),
			randomKeyBench(settle), randomKeyBench(outside), headBench(taught), headBench(ds["direct"]), headBench(ds["features"]),
			headBench(heads), headBench(narrowHeads), averageBench(heads), averageBench(narrowHeads),
			operandsBench(single), operandsBench(narrow), operandsBench(even), operandsBench(bare), operandsBench(real), operandsBench(tall), operandsBench(wide), operandsBench(mixed), operandsBench(third), operandsBench(ninth),
		)...),
		inGroup("memories", join(memoryBenches(narrow), memoryBenches(real), memoryBenches(wide), []*Bench{drainBench(single), drainBench(narrow), drainBench(bare), drainBench(real), drainBench(tall),
			drainBench(ds["keeps"]), drainBench(ds["masters"]), keptBench(ds["keeps"]), keptBench(ds["sums"]), keptBench(ds["masters"])})...),
		inGroup("schedule", append(inferenceBenches(ds, walkerBench, sequencerBench), registersBench(ds["narrow-infer"]),
			walkerBench(single), walkerBench(narrow), walkerBench(even), walkerBench(means), walkerBench(real), walkerBench(tall), walkerBench(wide), walkerBench(third),
			tableBench(narrow, true), tableBench(narrow, false), tableBench(means, true), tableBench(means, false), tableBench(real, true), tableBench(real, false),
			registersBench(narrow), lateRegistersBench(narrow), registersBench(settle), registersBench(sweep), registersBench(ds["keeps"]),
			tableBench(heads, true), tableBench(heads, false), walkerBench(heads), walkerBench(points), sequencerBench(points),
			walkerBench(moving), walkerBench(movingOne), sequencerBench(moving), sequencerBench(movingOne),
			sequencerBench(given), sequencerBench(givenChip), registersBench(given),
			sequencerBench(single), sequencerBench(narrow), sequencerBench(even), sequencerBench(means), sequencerBench(bare), sequencerBench(real), sequencerBench(sweep), sequencerBench(settle), sequencerBench(mixed), sequencerBench(tall), sequencerBench(wide), sequencerBench(ninth), sequencerBench(chip),
			sequencerBench(ds["keeps"]), sequencerBench(ds["sums"]), sequencerBench(ds["masters"]),
			sequencerBench(heads), sequencerBench(narrowHeads), sequencerBench(headedPoints), sequencerBench(taught), sequencerBench(ds["headed-early"]), sequencerBench(ds["headed-chip"]),
		)...),
		inGroup("memory-port", append(inferenceBenches(ds, fetchBench, storeBench),
			fetchBench(single), fetchBench(narrow), fetchBench(even), fetchBench(means), fetchBench(bare), fetchBench(real), fetchBench(sweep), fetchBench(tall), fetchBench(wide), fetchBench(chip), fetchBench(five), fetchBench(third),
			fetchBench(given), fetchBench(givenChip), fetchBench(settle), fetchBench(ds["keeps"]), fetchBench(ds["sums"]), fetchBench(ds["masters"]),
			fetchBench(narrowHeads), fetchBench(headedPoints), fetchBench(taught), fetchBench(ds["headed-early"]), fetchBench(ds["headed-chip"]),
			storeBench(single), storeBench(narrow), storeBench(even), storeBench(means), storeBench(bare), storeBench(real), storeBench(wide), storeBench(five), storeBench(third), storeBench(ds["keeps"]), storeBench(ds["masters"]), storeBench(ds["sums"]), storeBench(heads),
		)...),
	)
}

// inGroup makes the benches share a simulator.
func inGroup(name string, benches ...*Bench) []*Bench {
	g := &group{name: name, benches: benches}
	for _, b := range benches {
		b.group = g
	}
	return benches
}

func join(groups ...[]*Bench) []*Bench {
	var all []*Bench
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

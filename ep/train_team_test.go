package ep

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProcessors trains networks with layers of many channels on small maps, where the
// goroutines that relax the samples of a batch meet, and wants the bits of one
// goroutine from two and three of them; the last batch of the test leaves some without a sample.
func TestProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, fixed := range []bool{false, true} {
		for _, index := range []PoolIndex{Frozen, Live} {
			t.Run(fmt.Sprintf("fixed=%v/%v", fixed, index), func(t *testing.T) {
				var want []string
				for processors := 1; processors <= 3; processors++ {
					runtime.GOMAXPROCS(processors)
					cfg := testConfig(chain(Shape{1, 8, 8}, layerSpec{96, 3, 1, MaxPool, 1, false}, layerSpec{128, 3, 1, MaxPool, 1, false}, layerSpec{channels: 4}))
					cfg.Batch, cfg.FreeSteps, cfg.NudgeSteps, cfg.Seed, cfg.PoolIndex = 8, 4, 3, 5, index
					cfg.Rates = []float64{0.2, 0.1, 0.05}
					tr, err := NewTrainer(cfg, TrainOptions{Fixed: fixed, Epochs: 1}, InitParams(&cfg.Network, cfg.Init, cfg.Seed), ProceduralSet(&cfg.Network, 16, 9, 1))
					if err != nil {
						t.Fatal(err)
					}
					got := runEpochs(t, tr, nil)
					if want == nil {
						want = got
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("one processor and %d (-1 +%d):\n%.600s", processors, processors, diff)
					}
				}
			})
		}
	}
}

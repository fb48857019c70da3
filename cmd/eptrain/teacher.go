package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"epgen/ep"
)

// hireTeacher gives the data set the teacher that -teacher names.
func (s *settings) hireTeacher(data *ep.Dataset) error {
	if s.Teacher == "" {
		return nil
	}
	var err error
	if strings.HasSuffix(s.Teacher, ".npz") {
		if s.Options.Augment != (ep.Augment{}) {
			return fmt.Errorf("flag -teacher: %s with -flip or -crop, want neither (or the directory of a run): its targets are those of unchanged images", s.Teacher)
		}
		data.Teacher, err = ep.LoadTeacher(s.Teacher, &s.config.Network, data.Train.Len())
		return err
	}
	cfg, p, backprop, err := openTeacher(s.Teacher)
	if err != nil {
		return err
	}
	data.Teacher, err = ep.NewTeacher(cfg, p, backprop, &s.config.Network, s.config.Batch)
	return err
}

// openTeacher reads the network of a run and its best weights.
func openTeacher(dir string) (*ep.Config, *ep.FloatParams, bool, error) {
	path := filepath.Join(dir, settingsName)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, false, fmt.Errorf("%s: %w, want a directory that eptrain wrote, or a file ending in .npz", path, errors.Unwrap(err))
	}
	var run settings
	if err := json.Unmarshal(text, &run); err != nil {
		return nil, nil, false, fmt.Errorf("%s: %w", path, err)
	}
	var draft ep.Draft
	if err := draft.ReadTOML(filepath.Join(dir, configName)); err != nil {
		return nil, nil, false, err
	}
	cfg, _, err := draft.Resolve()
	if err != nil {
		return nil, nil, false, err
	}
	p, err := ep.LoadWeights(filepath.Join(dir, "best.npz"), &cfg.Network)
	return cfg, p, run.Options.Backprop, err
}

// teach writes what students can learn from the given weights.
func teach(s *settings) error {
	t, _, err := s.trainer()
	if err != nil {
		return err
	}
	return writeAtomic(s.Teach, func(w io.Writer) error { return t.WriteTeacher(w) })
}

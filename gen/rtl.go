package gen

import (
	"sort"
	"strings"

	"epgen/hdl"
)

// hdl returns the Verilog modules.
func (d *Design) hdl() *hdl.Design { return hdl.NewDesign(d.top()) }

// RTL returns the Verilog of the accelerator: rtl/<module>.v for every module
// and rtl/files.f, the list of them. The command is named in every header.
func (d *Design) RTL(command string) (map[string][]byte, error) {
	modules, err := d.hdl().Print([]string{
		"Reproduce with: " + command,
		"Network " + d.Cfg.Network.Name + ", Apache-2.0",
	})
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	var names []string
	for name, text := range modules {
		files["rtl/"+name] = text
		names = append(names, name)
	}
	sort.Strings(names)
	files["rtl/files.f"] = []byte(strings.Join(names, "\n") + "\n")
	return files, nil
}

package unit

import (
	"fmt"
	"strings"
	"testing"

	"epgen/internal/tooltest"
)

// faults are one-line changes of the Verilog; each must make its bench fail at
// one of the ports given.
var faults = []struct {
	bench, old, new string
	ports           string
}{
	{"rounding/all", "nearest_even_2_floor[0] ||", "1'b1 ||", "nearest_even_2_o"},
	{"rounding/all", "nearest_up_3_up    = v_i[2]", "nearest_up_3_up    = v_i[1]", "nearest_up_3_o"},

	{"ep_update_lane/narrow", "WEIGHT_MIN = -17'sd8", "WEIGHT_MIN = -17'sd7", "new_o"},
	{"ep_update_lane/narrow", "BIAS_MAX   = 17'sd31", "BIAS_MAX   = 17'sd30", "new_o"},
	{"ep_update_lane/narrow", "|scaled[7:0]", "|scaled[7:1]", "new_o"},
	{"ep_update_lane/real", "old_q2 <= old_q1", "old_q2 <= old_i", "new_o"},

	{"ep_update_lane/keeps", "? new_master_q : master_q6", "? new_master_q : master_q5", "new_o kept_o"},
	{"ep_update_lane/keeps", "{~nearest[5], ", "{nearest[5], ", "kept_o"},
	{"ep_update_lane/keeps", "+ 23'sd32", "+ 23'sd31", "new_o kept_o"},
	{"ep_update_lane/keeps", "'sd0 : total_q6", "'sd0 : total_q5", "kept_o"},
	{"ep_update_lane/masters", "VELOCITY_MAX = ", "VELOCITY_MAX = -", "new_o kept_o"},
	{"ep_kept/keeps", "abort_i || take_i", "take_i", "full_o kept_ready_o"},
	{"ep_kept/sums", "last_q && left_q", "last_q || left_q", "word_last_o"},
	{"ep_kept/masters", "load_i) begin\n      out_q", "!load_i) begin\n      out_q", "word_o"},
	{"ep_drain/keeps", "linger_q != ", "linger_q == ", "idle_o"},

	{"ep_mac_array/narrow", ": contrast_q) + ", ": contrast_q) - ", "contrast_o"},
	{"ep_mac_array/narrow", "tile_i[8*r + 4*c +: 4]", "tile_i[8*c + 4*r +: 4]", "acc_o"},
	{"ep_mac_array/real", "valid_q4 && last_q4", "valid_q4 && last_q3", "acc_valid_o"},
	{"ep_mac_array/tall", "contrast_q) + ", "contrast_q) - ", "contrast_o"},
	{"ep_mac_array/wide", "gen_part[2*k + 1].part_sum", "gen_part[2*k].part_sum", "group_acc_o"},
	{"ep_operands/tall", "{2{below_lanes}}", "{below_lanes, 12'd0}", "v_o"},
	{"ep_mac_array/single", "drain_q <= contrast_q", "drain_q <= prod_q", "contrast_o"},

	{"ep_lane/narrow", "aligned_q > result_q", "aligned_q >= result_q", "argmax_o"},
	{"ep_lane/narrow", "STATE_MAX = 13'sd7", "STATE_MAX = 13'sd6", "state_o"},
	{"ep_lane/narrow", "result_q <= aligned_q + acc_rdata_q", "result_q <= aligned_q", "state_o"},
	{"ep_lane/real", "pos_i == index_i", "pos_i != index_i", "argmax_o state_o"},
	{"ep_lane/narrow", "act_acc_q2 - force_aligned", "act_acc_q2 + force_aligned", "state_o"},
	{"ep_lane/means", "mean_i && !first", "mean_i && first", "state_o"},
	{"ep_lane/real", "scaled_floor[0] ||", "1'b1 ||", "state_o"},
	{"ep_lane/even", "scaled_up    = u_q[", "scaled_up    = !u_q[", "state_o"},

	{"ep_operands/single", "void_i || zero_i", "void_i", "v_o z_o"},
	{"ep_operands/real", "!= pos_i", "== pos_i", "v_o z_o"},

	{"ep_state_even/narrow", "mem[waddr_i] <= wdata_i", "mem[waddr_i] <= ~wdata_i", "rdata_o"},
	{"ep_index_memory/real", "rdata_o <= mem[raddr_i]", "rdata_o <= mem[waddr_i]", "rdata_o"},
	{"ep_slab_buffer/narrow", "if (we_i[c]) begin", "if (we_i[0]) begin", "tile_o"},
	{"ep_row_rom/narrow", "6'd4:    entry", "6'd44:   entry", "row_entry_o"},

	{"ep_drain/real", "tile_q <= tile_q + ", "tile_q <= tile_q - ", "tile_o"},
	{"ep_drain/narrow", "last_col && open_q", "last_col || open_q", "last_o"},

	{"ep_walker/narrow", "sample_last && minus_q)", "sample_last)", "op_first_o op_minus_o op_valid_o op_o_o op_i_o op_last_o"},
	{"ep_walker/narrow", "window_q[0]}", "window_q[1]}", "op_i_o op_tile_o"},
	{"ep_walker/real", "c_valid_q && !rect_done", "c_valid_q", "op_valid_o stalled_o"},

	{"ep_walker/real", "assign a_take = a_valid_q", "assign a_take = 1'b1", "op_valid_o stalled_o op_tile_o"},

	{"ep_walker/means", "down_i ? tile_q - {", "down_i ? tile_q + {", "op_tile_o"},
	{"ep_registers/narrow", "written[0] && !busy_i", "written[0]", "start_o"},
	{"ep_registers/narrow", "base_hi_q <= (base_hi_q & ~mask) | written", "base_hi_q <= written", "base_o"},
	{"ep_registers/narrow", "IRQ_STATUS && written[0]", "IRQ_STATUS", "irq s_axil_rdata"},
	{"ep_registers/narrow", "overhead_q <= overhead_q + 64'd1", "overhead_q <= overhead_q + 64'd2", "s_axil_rdata"},

	{"ep_sequencer/narrow", "flush_q <= 3'd5", "flush_q <= 3'd4", "state_o pass_over_o freed_o"},
	{"ep_sequencer/narrow", "bank_q  <= !bank_q", "bank_q  <= bank_q", "bank_o freed_o state_o wait_fetch_o"},
	{"ep_sequencer/narrow", "variant_q <= 2'd2", "variant_q <= 2'd1", "i_plus_o state_o index_plus_o"},
	{"ep_sequencer/real", "!updating || drain_idle_i", "1'b1", "state_o pass_over_o freed_o"},

	{"ep_mac_array/five", "rest4_q <= rest2", "rest4_q <= gen_lane[3].prod_q", "acc_o"},
	{"ep_mac_array/ninth", "rest2 = gen_part[2]", "rest2 = gen_part[1]", "group_acc_o"},
	{"ep_walker/third", "part_q == 2'd2", "part_q == 2'd3", "op_i_o op_part_o"},
	{"ep_sequencer/ninth", "slab_part_q == 2'd2", "slab_part_q == 2'd3", "slab_o_o slab_part_o"},
	{"ep_lane/mixed", "top_i == 1'b1", "top_i == 1'b0", "state_o"},
	{"ep_update_lane/mixed", "MIN_4 = -36'sd16", "MIN_4 = -36'sd32", "new_o"},
	{"ep_operands/mixed", "2'd2) ? 16'sd128", "2'd2) ? 16'sd127", "v_o z_o"},
	{"ep_update_lane/settle", "+ mix_q[31:1]", "+ mix_q[30:0]", "new_o"},
	{"ep_sequencer/settle", "2'd1 && !moved_q", "2'd1", "state_o follows_o begun_o phase_o"},
	{"ep_sequencer/sweep", "cold_i || !whole_q", "cold_i", "zero_o"},
	{"ep_sequencer/sweep", "(!visit_fresh || kind_q == PASS_ACT)", "!visit_fresh", "o_plus_o zero_o"},
	{"ep_lane/settle", "change > TOLERANCE", "change >= TOLERANCE - 17'sd100", "moved_o"},
	{"ep_lane/sweep", "way[1] && (way_floor[0] || |way[0])", "way[1]", "state_o"},
	{"ep_fetch/narrow", "3'd7)", "3'd6)", "m_axi_araddr m_axi_arlen m_axi_arvalid fetch_idle_o"},
	{"ep_fetch/narrow", "take && m_axi_rresp[1]", "take && m_axi_rresp[0]", "fetch_error_o"},
	{"ep_fetch/given", "state_q == ODD;", "state_q == EVEN;", "odd_we_o"},
	{"ep_fetch/given", "(state_q == EVEN) ? at_q + ", "(state_q == EVEN) ? at_q - ", "input_addr_o"},
	{"ep_fetch/given", "if (cold_run_i)", "if (!cold_run_i)", "m_axi_araddr input_we_o loaded_o m_axi_arvalid odd_we_o slab_we_o"},
	{"ep_sequencer/given", "cold_i || !whole_q", "cold_i", "cold_run_o"},
	{"ep_fetch/real", "tile_q <= tile_q + ", "tile_q <= tile_q - ", "slab_addr_o"},
	{"ep_fetch/single", "held_q <= 3'd1 || last_column", "held_q <= 3'd1", "m_axi_rready label_we_o input_we_o"},

	{"ep_random_key/outside", "32'h9e3779b9", "32'h9e3779b8", "key_o inner_o sign_o"},
	{"ep_random_key/outside", "sign_o = sign_q[31]", "sign_o = sign_q[30]", "sign_o"},
	{"ep_operands/points", "times_4                = {{4{unpooled[16]}}, unpooled}", "times_4                = 21'sd0", "z_o"},
	{"ep_operands/headed-points", "head_i ?", "!head_i ?", "z_o"},
	{"ep_walker/points", "minus_q == 2'd3", "minus_q == 2'd2", "op_minus_o op_first_o op_last_o op_valid_o op_o_o op_i_o op_pos_o"},
	{"ep_lane/heads", "back_first_i ? ", "!back_first_i ? ", "state_o"},
	{"ep_lane/heads", "head_i ?", "!head_i ?", "state_o"},
	{"ep_lane/heads", "if (capture_i)", "if (!capture_i)", "logit_o"},
	{"ep_lane/headed-points", "act_acc_q2 + head_aligned", "act_acc_q2 - head_aligned", "state_o"},
	{"ep_registers/narrow-late", "cycles_q[63:32]", "cycles_q[31:0]", "s_axil_rdata"},
	{"ep_registers/keeps", "accumulated_q + 16'd1", "accumulated_q - 16'd1", "apply_o s_axil_rdata update_number_o"},
	{"ep_registers/settle", "finish_i && !error_i && !infer_run_i", "finish_i && !infer_run_i", "update_number_o s_axil_rdata"},
	{"ep_fetch/keeps", "state_q != KEPT || kept_ready_i", "1'b1", "kept_valid_o m_axi_rready kept_data_o m_axi_arvalid"},
	{"ep_fetch/sums", "addr_q    <= addr_q - {", "addr_q    <= addr_q + {", "m_axi_araddr m_axi_arlen m_axi_arvalid"},
	{"ep_fetch/masters", "if (again_q) begin", "if (!again_q) begin", "m_axi_araddr m_axi_arlen m_axi_arvalid fetch_idle_o full_o"},
	{"ep_fetch/taught", "counted && state_q == TARGETS", "counted && state_q == INPUT", "target_we_o"},
	{"ep_fetch/taught", "step_q < 6'd39", "step_q < 6'd40", "m_axi_araddr m_axi_arlen m_axi_arvalid full_o fetch_idle_o"},
	{"ep_fetch/headed-chip", "counted && state_q == MEANS", "counted && state_q == TARGETS", "mean_we_o"},
	{"ep_fetch/headed-early", "nudged_i ? ", "!nudged_i ? ", "m_axi_araddr m_axi_arlen m_axi_arvalid"},
	{"ep_sequencer/keeps", "keep_q  <= 1'b1;", "keep_q  <= 1'b0;", "keep_o state_o freed_o"},
	{"ep_sequencer/headed-early", "averages_word = pass_acc_write", "averages_word = pass_o_base", "write_o"},
	{"ep_sequencer/headed-early", "!visit_fresh || (kind_q == PASS_ACT || kind_q == PASS_POOL)", "!visit_fresh || kind_q == PASS_ACT", "o_plus_o"},
	{"ep_sequencer/headed-early", "PASS_SOFT) ? soft_done_i", "PASS_SOFT) ? walk_done_i", "state_o pass_over_o"},
	{"ep_sequencer/taught", "state_q == START && kind_q != PASS_SOFT", "state_q == START", "walk_start_o"},
	{"ep_sequencer/headed-points", "visit_point == 2'd2", "visit_point == 2'd3", "o_plus_o i_plus_o write_o"},
	{"ep_store/heads", "store_result_i ?", "!store_result_i ?", "m_axi_awaddr store_idle_o m_axi_awvalid"},
	{"ep_head/taught", "difference_rounded > 2", "difference_rounded > 1", "errors_o"},
	{"ep_lane/points", "unclamped_i ?", "!unclamped_i ?", "state_o"},
	{"ep_lane/outside", "activated - force_aligned", "act_acc_q2 - force_aligned", "state_o"},
	{"ep_sequencer/points", "phase_q == PHASE_NUDGE2 || phase_q == PHASE_NUDGE4", "phase_q == PHASE_NUDGE2", "nudge_minus_o"},
	{"ep_fetch/settle", "follows_i && begun_i == step_q", "follows_i", "full_o m_axi_arvalid fetch_idle_o"},
	{"ep_fetch/settle", "if (relaxed_i)", "if (1'b0)", "full_o m_axi_arvalid fetch_idle_o m_axi_araddr"},
	{"ep_head/taught", "TAUGHT * taught_error", "OWN * taught_error", "errors_o"},
	{"ep_head/heads", "round_up = twice", "round_up = !twice[0] || twice", "errors_o"},
	{"ep_head/narrow-heads", "linear_q <= (labelled ?", "linear_q <= (!labelled ?", "errors_o"},

	{"ep_store/narrow", "used_q < 6'd32", "used_q < 6'd31", "store_ready_o"},
	{"ep_store/narrow", "pad_q ? 16'd0 : front_q[15:0]", "front_q[15:0]", "m_axi_wdata"},
	{"ep_store/even", "w_left_q == 7'd1 ||", "w_left_q == 7'd2 ||", "m_axi_wlast"},
	{"ep_store/real", "off_q ? 4'd0 : ~4'd0", "~4'd0", "m_axi_wstrb"},
}

// TestFaults plants every fault in a copy of its bench; all copies share a
// simulator.
func TestFaults(t *testing.T) {
	tooltest.Need(t, "verilator")
	byName := map[string]*Bench{}
	for _, b := range All() {
		byName[b.Name] = b
	}
	var copies []*Bench
	for i, f := range faults {
		b := byName[f.bench]
		if b == nil {
			t.Fatalf("no bench %s", f.bench)
		}
		found := 0
		c := &Bench{Name: fmt.Sprintf("%s/%d", f.bench, i), module: b.module, play: b.play, lanes: b.lanes}
		c.edit = func(file, text string) string {
			if b.edit != nil {
				text = b.edit(file, text)
			}
			found += strings.Count(text, f.old)
			return strings.Replace(text, f.old, f.new, 1)
		}
		copies = append(copies, c)
		t.Cleanup(func() {
			if found == 0 {
				t.Errorf("%s: the Verilog no longer has %q: choose the fault anew", f.bench, f.old)
			}
		})
	}
	inGroup("faults", copies...)
	copies[0].group.lenient = true // changed lines may leave signals unread
	dir := t.TempDir()
	for i, b := range copies {
		r := b.Run(dir)
		f := faults[i]
		switch {
		case r.Err != nil:
			t.Fatal(r)
		case r.Mismatch == nil:
			t.Errorf("%s: %q in place of %q goes unnoticed", f.bench, f.new, f.old)
		case !strings.Contains(" "+f.ports+" ", " "+r.Mismatch.Port+" "):
			t.Errorf("%s: %q in place of %q: %v, want a mismatch at %s", f.bench, f.new, f.old, r.Mismatch, f.ports)
		default:
			t.Log(r)
		}
	}
}

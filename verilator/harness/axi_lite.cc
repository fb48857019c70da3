#include "axi_lite.h"

AxiLite::AxiLite(SimCtrl* sim, Verdict* verdict, bool stall, uint64_t seed)
    : sim_(sim),
      verdict_(verdict),
      aw_gaps_(stall, seed * 8 + 1),
      w_gaps_(stall, seed * 8 + 2),
      b_gaps_(stall, seed * 8 + 3),
      ar_gaps_(stall, seed * 8 + 4),
      r_gaps_(stall, seed * 8 + 5) {}

bool AxiLite::Write(uint32_t addr, uint32_t data, uint32_t strobe) {
  addr_ = addr;
  wdata_ = data;
  wstrb_ = strobe;
  aw_todo_ = w_todo_ = b_todo_ = true;
  return Run("write", addr);
}

bool AxiLite::Read(uint32_t addr, uint32_t* data) {
  reads_ = 1;
  return StartReads(addr, addr, data, data);
}

bool AxiLite::ReadTwo(uint32_t first, uint32_t second, uint32_t* a,
                      uint32_t* b) {
  reads_ = 2;
  return StartReads(first, second, a, b);
}

bool AxiLite::StartReads(uint32_t first, uint32_t second, uint32_t* a,
                         uint32_t* b) {
  addr_ = first;
  araddr_[0] = first;
  araddr_[1] = second;
  asked_ = answered_ = 0;
  const int last = reads_ - 1;
  const bool ok = Run("read", first);
  *a = ok ? rdata_[0] : 0;
  *b = ok ? rdata_[last] : 0;
  return ok;
}

bool AxiLite::Run(const char* what, uint32_t addr) {
  for (uint64_t i = 0; b_todo_ || r_todo(); ++i) {
    if (verdict_->stop()) return false;
    if (i == kTimeout) {
      Fail(addr, what, "no answer");
      return false;
    }
    sim_->Tick();
  }
  ++accesses_;
  if (resp_ != 0) {
    Fail(addr, what, "error response " + std::to_string(resp_) +
                         ", want 0 (OKAY)");
    return false;
  }
  return true;
}

void AxiLite::Fail(uint32_t addr, const char* what,
                   const std::string& message) {
  Mismatch m;
  m.kind = "protocol";
  m.message = std::string("AXI4-Lite ") + what + " of register " +
              Hex(addr, 12) + ": " + message;
  m.signal = "tb_top.s_axil";
  m.cycle = sim_->cycle();
  verdict_->AddFatal(m);
}

// VALID, once raised, stays until taken.
void AxiLite::PreClock(Vtb_top& top, uint64_t) {
  if (!top.aresetn) {
    aw_todo_ = w_todo_ = b_todo_ = false;
    reads_ = asked_ = answered_ = 0;
    aw_valid_ = w_valid_ = ar_valid_ = false;
    b_.waiting = r_.waiting = false;
  }
  const auto raise = [](bool* valid, bool todo, Gaps* gaps) {
    const bool hold = gaps->Hold();
    if (!*valid) *valid = todo && !hold;
    return *valid;
  };
  top.s_axil_awvalid = raise(&aw_valid_, aw_todo_, &aw_gaps_);
  top.s_axil_wvalid = raise(&w_valid_, w_todo_, &w_gaps_);
  top.s_axil_arvalid = raise(&ar_valid_, asked_ < reads_, &ar_gaps_);
  top.s_axil_awaddr = addr_;
  top.s_axil_araddr = araddr_[asked_ < reads_ ? asked_ : 0];
  top.s_axil_wdata = wdata_;
  top.s_axil_wstrb = wstrb_;
  // Asked in every cycle, or the few accesses would meet one kind of gaps only.
  const bool hold_b = b_gaps_.Hold(), hold_r = r_gaps_.Hold();
  top.s_axil_bready = b_todo_ && !hold_b;
  top.s_axil_rready = r_todo() && !hold_r;
}

// An answer, once VALID, waits for READY as it is.
void AxiLite::CheckHeld(const char* what, Held* held, bool valid, bool ready,
                        uint64_t payload) {
  const bool write = held == &b_;
  if (held->waiting && !valid)
    Fail(addr_, what,
         write ? "BVALID dropped before BREADY"
               : "RVALID dropped before RREADY");
  else if (held->waiting && payload != held->payload)
    Fail(addr_, what,
         write ? "BRESP changed while waiting for BREADY"
               : "RDATA or RRESP changed while waiting for RREADY");
  held->waiting = valid && !ready;
  held->payload = payload;
}

// The first edge in reset clears the core only from the second cycle on.
void AxiLite::CheckReset(const Vtb_top& top) {
  if (++reset_cycles_ > 1 && (top.s_axil_bvalid || top.s_axil_rvalid))
    Fail(addr_, top.s_axil_bvalid ? "write" : "read",
         "answer during reset");
}

void AxiLite::OnClock(Vtb_top& top, uint64_t cycle) {
  if (!top.aresetn) return CheckReset(top);
  reset_cycles_ = 0;
  CheckHeld("write", &b_, top.s_axil_bvalid, top.s_axil_bready,
            top.s_axil_bresp);
  CheckHeld("read", &r_, top.s_axil_rvalid, top.s_axil_rready,
            uint64_t{top.s_axil_rdata} << 2 | top.s_axil_rresp);
  const auto taken = [](bool* valid, bool* todo, bool ready) {
    if (!*valid || !ready) return false;
    *valid = *todo = false;
    return true;
  };
  const bool aw = taken(&aw_valid_, &aw_todo_, top.s_axil_awready);
  const bool w = taken(&w_valid_, &w_todo_, top.s_axil_wready);
  if ((aw || w) && !aw_todo_ && !w_todo_) write_cycle_ = cycle;
  if (ar_valid_ && top.s_axil_arready) {
    ar_valid_ = false;
    ++asked_;
  }
  if (top.s_axil_bvalid && !b_todo_)
    Fail(addr_, "write", "BVALID without a write");
  if (top.s_axil_rvalid && !r_todo())
    Fail(addr_, "read", "RVALID without a read");
  if (top.s_axil_bvalid && top.s_axil_bready) {
    if (aw_todo_ || w_todo_) Fail(addr_, "write", "answered before accepted");
    b_todo_ = false;
    resp_ = top.s_axil_bresp;
  }
  if (top.s_axil_rvalid && top.s_axil_rready) {
    if (answered_ >= asked_) Fail(addr_, "read", "answered before accepted");
    resp_ = top.s_axil_rresp;
    if (r_todo()) rdata_[answered_++] = top.s_axil_rdata;
  }
}

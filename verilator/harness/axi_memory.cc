#include "axi_memory.h"

#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "bits.h"

namespace {

constexpr uint32_t kOkay = 0, kSlvErr = 2, kDecErr = 3;
constexpr uint32_t kIncr = 1;
constexpr uint32_t kCache = 3;  // normal, non-cacheable, bufferable
constexpr uint32_t kProt = 0;   // unprivileged, secure, data

std::string Address(uint64_t addr) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%" PRIx64, addr);
  return text;
}

constexpr uint32_t Log2(uint32_t n) { return n <= 1 ? 0 : 1 + Log2(n / 2); }

// Appends the bytes of a port to a payload.
template <typename T>
void Put(std::vector<uint8_t>* payload, T& port) {
  const uint8_t* bytes = PortBytes(port);
  payload->insert(payload->end(), bytes, bytes + sizeof(port));
}

}  // namespace

AxiMemory::AxiMemory(const Options& options, Memory* memory, Verdict* verdict)
    : options_(options),
      memory_(memory),
      verdict_(verdict),
      random_(options.seed),
      ar_gaps_(options.stall, options.seed * 8 + 1),
      r_gaps_(options.stall, options.seed * 8 + 2),
      aw_gaps_(options.stall, options.seed * 8 + 3),
      w_gaps_(options.stall, options.seed * 8 + 4),
      b_gaps_(options.stall, options.seed * 8 + 5),
      aw_after_w_(options.stall) {}

void AxiMemory::Forget() {
  reads_.clear();
  writes_.clear();
  beats_.clear();
  responses_.clear();
  r_valid_ = b_valid_ = false;
  ar_.waiting = aw_.waiting = w_.waiting = false;
  ar_waits_ = aw_waits_ = w_waits_ = r_waits_ = b_waits_ = false;
  w_closed_ = last_ready_ = 0;
}

void AxiMemory::PreClock(Vtb_top& top, uint64_t cycle) {
  if (!top.aresetn) {
    Forget();
    top.m_axi_arready = top.m_axi_awready = top.m_axi_wready = 0;
    top.m_axi_rvalid = top.m_axi_bvalid = 0;
    return;
  }
  DriveReady(top);
  DriveRead(top, cycle);
  DriveResponse(top, cycle);
}

// The model's VALIDs are those of this cycle: they are registers, or do not
// depend on inputs.
void AxiMemory::DriveReady(Vtb_top& top) {
  const bool data = top.m_axi_wvalid || !beats_.empty();
  const bool address = top.m_axi_awvalid || !writes_.empty();
  top.m_axi_arready = !ar_gaps_.Hold();
  top.m_axi_awready = !aw_gaps_.Hold() && (data || !aw_after_w_);
  top.m_axi_wready = !w_gaps_.Hold() && (address || !w_after_aw_) && w_closed_ == 0;
  if (w_closed_ > 0) --w_closed_;
}

uint32_t AxiMemory::ErrorResponse() const {
  return options_.decode_error ? kDecErr : kSlvErr;
}

// Presents the next beat; once valid it stays until taken.
void AxiMemory::DriveRead(Vtb_top& top, uint64_t cycle) {
  const bool hold = r_gaps_.Hold();
  if (r_valid_) return;
  if (reads_.empty() || cycle < reads_.front().ready || hold) {
    top.m_axi_rvalid = 0;
    return;
  }
  const Burst& burst = reads_.front();
  const uint64_t addr = burst.addr + uint64_t{burst.done} * kBeat;
  uint8_t bytes[kBeat];
  if (!memory_->Read(addr, bytes, kBeat))
    Violation(cycle, "m_axi_araddr",
              "read of bytes never initialised at " + Address(addr));
  std::memcpy(PortBytes(top.m_axi_rdata), bytes, kBeat);
  const bool error =
      static_cast<int64_t>(counters_.read_beats) == options_.fail_read_beat;
  injected_ |= error;
  top.m_axi_rresp = error ? ErrorResponse() : kOkay;
  top.m_axi_rlast = burst.done + 1 == burst.beats;
  top.m_axi_rvalid = 1;
  r_valid_ = true;
}

void AxiMemory::DriveResponse(Vtb_top& top, uint64_t cycle) {
  const bool hold = b_gaps_.Hold();
  if (b_valid_) return;
  if (responses_.empty() || cycle < responses_.front().ready || hold) {
    top.m_axi_bvalid = 0;
    return;
  }
  injected_ |= responses_.front().error;
  top.m_axi_bresp = responses_.front().error ? ErrorResponse() : kOkay;
  top.m_axi_bvalid = 1;
  b_valid_ = true;
}

void AxiMemory::OnClock(Vtb_top& top, uint64_t cycle) {
  if (!top.aresetn) {
    // The first reset edge has cleared the core only from the second cycle on.
    if (++reset_cycles_ > 1 &&
        (top.m_axi_arvalid || top.m_axi_awvalid || top.m_axi_wvalid))
      Violation(cycle, "m_axi_*valid", "VALID high during reset");
    return;
  }
  reset_cycles_ = 0;
  CheckStable(top, cycle);
  TakeRead(top, cycle);
  TakeWrites(top, cycle);
}

void AxiMemory::TakeRead(Vtb_top& top, uint64_t cycle) {
  ar_waits_ = top.m_axi_arvalid && !top.m_axi_arready;
  r_waits_ = r_valid_ && !top.m_axi_rready;
  if (r_valid_ && top.m_axi_rready) {
    ++counters_.read_beats;
    r_valid_ = false;
    if (++reads_.front().done == reads_.front().beats) reads_.pop_front();
  } else if (r_valid_) {
    ++counters_.r_held;
  } else if (top.m_axi_rready && !reads_.empty()) {
    ++counters_.r_starved;
  }
  if (!top.m_axi_arvalid || !top.m_axi_arready) return;
  const uint64_t addr = top.m_axi_araddr;
  const uint32_t len = top.m_axi_arlen;
  const Request request = {addr,
                           len,
                           top.m_axi_arsize,
                           top.m_axi_arburst,
                           top.m_axi_arcache,
                           top.m_axi_arprot};
  if (!CheckBurst("AR", request, cycle)) return;
  CheckReadHazard(addr, (len + 1) * kBeat, cycle);
  uint64_t ready = cycle + options_.latency;
  if (options_.stall)
    ready += random_.Below(8) == 0 ? random_.Below(400) : random_.Below(24);
  if (ready < last_ready_) ready = last_ready_;
  last_ready_ = ready;
  ++counters_.read_bursts;
  reads_.push_back(Burst{addr, len + 1, 0, ready, 0});
  if (reads_.size() > design::kOutstanding)
    Violation(cycle, "m_axi_arvalid",
              std::to_string(reads_.size()) + " read bursts under way, want " +
                  "at most " + std::to_string(design::kOutstanding));
}

void AxiMemory::TakeWrites(Vtb_top& top, uint64_t cycle) {
  aw_waits_ = top.m_axi_awvalid && !top.m_axi_awready;
  w_waits_ = top.m_axi_wvalid && !top.m_axi_wready;
  b_waits_ = b_valid_ && !top.m_axi_bready;
  if (b_valid_ && top.m_axi_bready) {
    b_valid_ = false;
    responses_.pop_front();
  }
  if (top.m_axi_awvalid && top.m_axi_awready) {
    const Request r = {top.m_axi_awaddr,  top.m_axi_awlen,
                       top.m_axi_awsize,  top.m_axi_awburst,
                       top.m_axi_awcache, top.m_axi_awprot};
    if (CheckBurst("AW", r, cycle))
      writes_.push_back(Burst{r.addr, r.len + 1, 0, 0, 0});
    aw_after_w_ = options_.stall && random_.Below(2) == 0;
    w_after_aw_ = options_.stall && random_.Below(2) == 0;
  }
  if (top.m_axi_wvalid && top.m_axi_wready) {
    Beat beat;
    std::memcpy(beat.bytes, PortBytes(top.m_axi_wdata), kBeat);
    beat.strobe = 0;
    std::memcpy(&beat.strobe, PortBytes(top.m_axi_wstrb), (kBeat + 7) / 8);
    beat.last = top.m_axi_wlast;
    beats_.push_back(beat);
    w_closed_ = options_.write_gap;
  }
  ApplyBeats(cycle);
}

// Joins addresses and data, which may arrive in either order.
void AxiMemory::ApplyBeats(uint64_t cycle) {
  while (!writes_.empty() && !beats_.empty()) {
    Burst& burst = writes_.front();
    const Beat& beat = beats_.front();
    const uint64_t addr = burst.addr + uint64_t{burst.done} * kBeat;
    const bool last = burst.done + 1 == burst.beats;
    if (beat.last != last)
      Violation(cycle, "m_axi_wlast",
                "WLAST is " + std::to_string(beat.last) + " in beat " +
                    std::to_string(burst.done + 1) + " of " +
                    std::to_string(burst.beats) + " at " + Address(addr));
    if (!memory_->Mapped(addr, kBeat)) {
      Violation(cycle, "m_axi_wdata",
                "W beat of an earlier run, whose memory is gone");
      return;
    }
    if (beat.strobe != 0) {
      CheckWriteHazard(addr, cycle);
      burst.changed = addr + kBeat - burst.addr;
    }
    memory_->Write(addr, beat.bytes, kBeat, beat.strobe);
    if (listener_ != nullptr)
      listener_->OnWrite(addr, beat.bytes, beat.strobe, cycle);
    ++counters_.write_beats;
    ++burst.done;
    if (last) {
      uint64_t ready = cycle + 1;
      if (options_.stall) ready += random_.Below(32);
      const bool error = static_cast<int64_t>(counters_.write_bursts) ==
                         options_.fail_write_burst;
      ++counters_.write_bursts;
      responses_.push_back(
          Response{burst.addr, burst.changed, ready, error});
      writes_.pop_front();
    }
    beats_.pop_front();
  }
}

// VALID, once high, stays high with the same payload until READY.
void AxiMemory::CheckStable(Vtb_top& top, uint64_t cycle) {
  // Payloads are collected only while they wait: rare, and costly otherwise.
  std::vector<uint8_t> payload;
  if (ar_.waiting || (top.m_axi_arvalid && !top.m_axi_arready)) {
    Put(&payload, top.m_axi_araddr);
    Put(&payload, top.m_axi_arlen);
    Put(&payload, top.m_axi_arsize);
    Put(&payload, top.m_axi_arburst);
    Put(&payload, top.m_axi_arcache);
    Put(&payload, top.m_axi_arprot);
    CheckHeld("AR", &ar_, top.m_axi_arvalid, top.m_axi_arready, payload, cycle);
  }
  payload.clear();
  if (aw_.waiting || (top.m_axi_awvalid && !top.m_axi_awready)) {
    Put(&payload, top.m_axi_awaddr);
    Put(&payload, top.m_axi_awlen);
    Put(&payload, top.m_axi_awsize);
    Put(&payload, top.m_axi_awburst);
    Put(&payload, top.m_axi_awcache);
    Put(&payload, top.m_axi_awprot);
    CheckHeld("AW", &aw_, top.m_axi_awvalid, top.m_axi_awready, payload, cycle);
  }
  payload.clear();
  if (w_.waiting || (top.m_axi_wvalid && !top.m_axi_wready)) {
    Put(&payload, top.m_axi_wdata);
    Put(&payload, top.m_axi_wstrb);
    Put(&payload, top.m_axi_wlast);
    CheckHeld("W", &w_, top.m_axi_wvalid, top.m_axi_wready, payload, cycle);
  }
}

void AxiMemory::CheckHeld(const char* name, Held* held, bool valid, bool ready,
                          const std::vector<uint8_t>& payload,
                          uint64_t cycle) {
  const std::string channel = name;
  if (held->waiting && !valid)
    Violation(cycle, "m_axi", channel + "VALID dropped before " + channel +
                                  "READY");
  else if (held->waiting && payload != held->payload)
    Violation(cycle, "m_axi", channel + " changed while waiting for " +
                                  channel + "READY");
  held->waiting = valid && !ready;
  held->payload = payload;
}

bool AxiMemory::CheckBurst(const char* channel, const Request& r,
                           uint64_t cycle) {
  const uint64_t addr = r.addr;
  const uint32_t len = r.len;
  const uint64_t bytes = uint64_t{len + 1} * kBeat;
  const std::string at =
      std::string(channel) + " of " + std::to_string(len + 1) + " beats at " +
      Address(addr) + ": ";
  if (r.burst != kIncr)
    Violation(cycle, "m_axi", at + "burst type " + std::to_string(r.burst) +
                                  ", want 1 (INCR)");
  else if (r.size != Log2(kBeat))
    Violation(cycle, "m_axi", at + "size " + std::to_string(r.size) +
                                  ", want " + std::to_string(Log2(kBeat)));
  else if (r.cache != kCache)
    Violation(cycle, "m_axi", at + "cache " + std::to_string(r.cache) +
                                  ", want 3 (normal, bufferable)");
  else if (r.prot != kProt)
    Violation(cycle, "m_axi",
              at + "prot " + std::to_string(r.prot) + ", want 0");
  else if (addr % kBeat != 0)
    Violation(cycle, "m_axi",
              at + "not aligned to " + std::to_string(kBeat) + " bytes");
  else if (len + 1 > design::kBurstBeats)
    Violation(cycle, "m_axi", at + "want at most " +
                                  std::to_string(design::kBurstBeats) +
                                  " beats");
  else if (addr / 4096 != (addr + bytes - 1) / 4096)
    Violation(cycle, "m_axi", at + "crosses a 4 KB boundary");
  else if (!memory_->Mapped(addr, bytes))
    Violation(cycle, "m_axi", at + "outside the memory map");
  else
    return true;
  return false;
}

// AXI orders nothing between reads and writes under way. A read must not ask
// for bytes whose write has been sent but not answered, and a W beat must not
// overwrite bytes that a read still waits for. An address alone is harmless:
// memory cannot write what it has not been sent. So are beats without a strobe, with
// which a burst ends after an error.
void AxiMemory::CheckReadHazard(uint64_t addr, uint64_t size, uint64_t cycle) {
  const auto check = [&](uint64_t a, uint64_t n) {
    if (addr < a + n && a < addr + size)
      Violation(cycle, "m_axi_araddr",
                "AR at " + Address(addr) + " overlaps an unanswered write at " +
                    Address(a));
  };
  for (const Burst& w : writes_) check(w.addr, w.changed);
  for (const Response& r : responses_) check(r.addr, r.size);
}

void AxiMemory::CheckWriteHazard(uint64_t addr, uint64_t cycle) {
  for (const Burst& r : reads_) {
    const uint64_t next = r.addr + uint64_t{r.done} * kBeat;
    if (addr < r.addr + uint64_t{r.beats} * kBeat && next < addr + kBeat)
      Violation(cycle, "m_axi_wdata",
                "W beat for " + Address(addr) +
                    " overlaps an unfinished read at " + Address(r.addr));
  }
}

void AxiMemory::Violation(uint64_t cycle, const char* signal,
                          const std::string& message) {
  Mismatch m;
  m.kind = "protocol";
  m.message = "AXI4: " + message;
  m.signal = std::string("tb_top.") + signal;
  m.cycle = cycle;
  verdict_->AddFatal(m);
}

std::string AxiMemory::Waiting() const {
  std::string s;
  const auto add = [&s](bool yes, const char* text) {
    if (yes) s += std::string(s.empty() ? "" : ", ") + text;
  };
  add(ar_waits_, "AR of the core waits for memory");
  // A manager whose VALID waits for the other channel's READY hangs here.
  add(aw_waits_, aw_after_w_ && !w_waits_ && beats_.empty()
                     ? "AWREADY waits for WVALID"
                     : "AW of the core waits for memory");
  add(w_waits_, w_after_aw_ && !aw_waits_ && writes_.empty()
                    ? "WREADY waits for AWVALID"
                    : "W of the core waits for memory");
  add(r_waits_, "R of memory waits for the core's RREADY");
  add(b_waits_, "B of memory waits for the core's BREADY");
  add(!writes_.empty() && beats_.empty(), "AW accepted, waits for W beats");
  add(writes_.empty() && !beats_.empty(), "W beats accepted, wait for AW");
  return s.empty() ? "no AXI4 channel waits" : s;
}

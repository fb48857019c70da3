#include "report.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "design.h"
#include "json.h"

namespace {

double Share(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0
                    : static_cast<double>(part) / static_cast<double>(whole);
}

void WritePosition(Json* j, const char* key, int value) {
  j->Key(key);
  if (value < 0)
    j->Null();
  else
    j->Int(value);
}

void WriteMismatch(Json* j, const Mismatch& m) {
  j->BeginObject();
  j->Key("kind");
  j->String(m.kind);
  j->Key("message");
  j->String(m.message);
  j->Key("phase");
  m.phase.empty() ? j->Null() : j->String(m.phase);
  WritePosition(j, "step", m.step);
  WritePosition(j, "layer", m.layer);
  j->Key("head");
  const std::string head = HeadName(m.layer);
  head.empty() ? j->Null() : j->String(head);
  WritePosition(j, "sample", m.sample);
  WritePosition(j, "channel", m.channel);
  WritePosition(j, "input_channel", m.input_channel);
  WritePosition(j, "y", m.y);
  WritePosition(j, "x", m.x);
  j->Key("cycle");
  j->Int(static_cast<int64_t>(m.cycle));
  j->Key("expected");
  m.has_values ? j->Int(m.expected) : j->Null();
  j->Key("got");
  m.has_values ? j->Int(m.got) : j->Null();
  if (m.has_values) {
    j->Key("expected_hex");
    j->String(Hex(m.expected, m.bits));
    j->Key("got_hex");
    j->String(Hex(m.got, m.bits));
  }
  if (m.has_values && m.frac >= 0) {
    j->Key("expected_real");
    j->Raw(Real(m.expected, m.frac));
    j->Key("got_real");
    j->Raw(Real(m.got, m.frac));
  }
  j->Key("signal");
  j->String(m.signal);
  j->EndObject();
}

void WriteRuns(Json* j, const Bench& b) {
  j->Key("runs");
  j->BeginArray();
  for (const RunResult& r : b.results()) {
    j->BeginObject();
    j->Key("start");
    j->Int(r.start);
    j->Key("infer");
    j->Bool(r.infer);
    j->Key("correct");
    j->Int(r.correct);
    j->Key("samples");
    j->Int(design::kBatch);
    j->Key("cycles");
    j->Uint(r.cycles);
    j->Key("predicted");
    r.predicted == 0 ? j->Null() : j->Int(static_cast<int64_t>(r.predicted));
    j->Key("measured");
    j->Uint(r.measured);
    j->Key("seconds");
    j->Double(r.seconds);
    j->Key("counters");
    j->BeginObject();
    for (const auto& c : r.counters) {
      j->Key(c.first);
      j->Uint(c.second);
    }
    j->EndObject();
    j->EndObject();
  }
  j->EndArray();
}

void WritePhases(Json* j, const Bench& b) {
  j->Key("phases");
  j->BeginArray();
  for (int phase = design::kFreePhase; phase <= design::kLastPhase; ++phase) {
    const bool last = phase == design::kLastPhase;  // with all that is written
    j->BeginObject();
    j->Key("name");
    j->String(design::kPhases[phase].name);
    j->Key("steps");
    j->Int(design::kPhases[phase].steps);
    j->Key("cycles");
    j->Int(static_cast<int64_t>(b.monitor().phase_cycles(phase)));
    j->Key("compared");
    j->Int(static_cast<int64_t>(b.taps().compared(phase) +
                                (last ? b.memory_checker().compared() : 0)));
    j->Key("mismatches");
    j->Int(static_cast<int64_t>(b.taps().differing(phase) +
                                (last ? b.memory_checker().differing() : 0)));
    j->EndObject();
  }
  j->EndArray();
}

// What two points of the contrast compare: a state, or its difference from the
// free one, which is none for the free one itself.
int32_t Moved(const std::vector<int32_t>& states, int copy, std::size_t i) {
  return design::kDifferences && copy == 0 ? 0 : states[i];
}

// Shares of a layer's neurons, from what the hardware wrote.
void WriteStates(Json* j, const Bench& b, int layer) {
  const design::MapInfo& map = design::kMaps[layer];
  uint64_t nonzero[design::kCopies] = {}, saturated[design::kCopies] = {};
  uint64_t differing = 0;
  int32_t lowest = 0, highest = 0;    // of whole states
  int32_t shortest = 0, longest = 0;  // of differences from them
  const std::vector<int32_t>* s[design::kCopies];
  for (int c = 0; c < design::kCopies; ++c) s[c] = &b.taps().states(layer, c);
  for (std::size_t i = 0; i < s[0]->size(); ++i) {
    for (int c = 0; c < design::kCopies; ++c) {
      const int32_t v = (*s[c])[i];
      nonzero[c] += v != 0;
      if (design::kDifferences && c > 0) {
        saturated[c] += v == map.nudged_max || v == -map.nudged_max;
        shortest = std::min(shortest, v);
        longest = std::max(longest, v);
        continue;
      }
      saturated[c] += v == map.max;
      lowest = std::min(lowest, v);
      highest = std::max(highest, v);
    }
    differing += Moved(*s[design::kFirstPoint], design::kFirstPoint, i) !=
                 Moved(*s[design::kSecondPoint], design::kSecondPoint, i);
  }
  j->Key("nonzero");
  j->Double(Share(nonzero[0], s[0]->size()));
  j->Key("saturated");
  j->Double(Share(saturated[0], s[0]->size()));
  j->Key("differing");
  j->Double(Share(differing, s[0]->size()));
  j->Key("states");
  j->BeginObject();
  j->Key("phases");
  j->BeginObject();
  for (int c = 0; c < design::kCopies; ++c) {
    j->Key(design::kPhases[design::kFreePhase + c].name);
    j->BeginObject();
    j->Key("nonzero");
    j->Double(Share(nonzero[c], s[c]->size()));
    j->Key("saturated");
    j->Double(Share(saturated[c], s[c]->size()));
    j->EndObject();
  }
  j->EndObject();
  j->Key("min");
  j->Raw(Real(lowest, map.frac));
  j->Key("max");
  j->Raw(Real(highest, map.frac));
  if (design::kDifferences) {
    j->Key("difference_min");
    j->Raw(Real(shortest, map.nudged_frac));
    j->Key("difference_max");
    j->Raw(Real(longest, map.nudged_frac));
    j->Key("difference_limit");
    j->Raw(Real(map.nudged_max, map.nudged_frac));
  }
  j->EndObject();
}

void WriteLayers(Json* j, const Bench& b) {
  j->Key("layers");
  j->BeginArray();
  for (int n = 1; n <= design::kNumLayers; ++n) {
    const design::MapInfo& map = design::kMaps[n];
    const MemoryChecker::Change& change = b.memory_checker().change(n);
    j->BeginObject();
    j->Key("name");
    j->String(design::kLayers[n - 1].name);
    j->Key("shape");
    j->String(std::to_string(map.c) + "x" + std::to_string(map.h) + "x" +
              std::to_string(map.w));
    j->Key("neurons");
    j->Int(static_cast<int64_t>(design::Values(n)));
    WriteStates(j, b, n);
    j->Key("weights");
    j->Int(static_cast<int64_t>(change.weights));
    j->Key("weights_changed");
    j->Double(Share(change.weights_changed, change.weights));
    j->Key("biases_changed");
    j->Double(Share(change.biases_changed, change.biases));
    j->Key("mismatches");
    j->Int(static_cast<int64_t>(b.taps().differing_in_layer(n) +
                                change.differing));
    j->Key("model");
    j->Raw(b.golden().layer_note(n));
    j->EndObject();
  }
  j->EndArray();
}

// What is compared of each head, by name.
void WriteHeads(Json* j, const Bench& b) {
  j->Key("heads");
  j->BeginArray();
  for (int n = design::kStateLayers + 1; n <= design::kNumLayers; ++n) {
    j->BeginObject();
    j->Key("name");
    j->String(design::kLayers[n - 1].name);
    j->Key("values");
    j->BeginArray();
    for (int map = 0; map < design::kNumMaps; ++map) {
      if (design::kMaps[map].owner != n) continue;
      j->BeginObject();
      j->Key("what");
      j->String(design::kMaps[map].what);
      j->Key("compared");
      j->Uint(b.taps().compared_of(map));
      j->Key("mismatches");
      j->Uint(b.taps().differing_of(map));
      j->EndObject();
    }
    j->EndArray();
    j->EndObject();
  }
  j->EndArray();
}

void WriteTraffic(Json* j, const Bench& b) {
  const AxiMemory::Counters& c = b.axi().counters();
  j->Key("memory");
  j->BeginObject();
  const auto count = [j](const char* key, uint64_t v) {
    j->Key(key);
    j->Int(static_cast<int64_t>(v));
  };
  count("read_bytes", c.read_beats * design::kBeatBytes);
  count("read_bursts", c.read_bursts);
  count("write_bytes", c.write_beats * design::kBeatBytes);
  count("write_bursts", c.write_bursts);
  count("read_waits_for_memory", c.r_starved);
  count("read_waits_for_core", c.r_held);
  j->EndObject();
  j->Key("sequencer");
  j->BeginObject();
  for (uint32_t i = 0; i < design::kNumStates; ++i)
    count(design::kStateNames[i], b.monitor().unit_cycles(static_cast<int>(i)));
  j->EndObject();
}

// Where resets fell, "phase STATE" each.
void WriteResets(Json* j, const Bench& b) {
  if (b.resets().empty()) return;
  j->Key("resets");
  j->BeginArray();
  for (const Monitor::Place& p : b.resets())
    j->String(Monitor::PhaseOf(p) + " " + Monitor::StateOf(p));
  j->EndArray();
}

void WriteSettings(Json* j, const Bench& b) {
  const BenchOptions& o = b.options();
  j->Key("settings");
  j->BeginObject();
  j->Key("seed");
  j->Int(static_cast<int64_t>(o.seed));
  j->Key("stall");
  j->Bool(o.memory.stall);
  j->Key("latency");
  j->Int(static_cast<int64_t>(o.memory.latency));
  j->Key("x_seed");
  j->Int(static_cast<int64_t>(o.sim.x_seed));
  j->Key("runs");
  j->Int(o.runs);
  j->Key("infer");
  j->Bool(o.infer);
  j->EndObject();
}

}  // namespace

std::string ReportJson(const Bench& b) {
  const RunResult last = b.results().empty() ? RunResult() : b.results().back();

  Json j;
  j.BeginObject();
  j.Key("design");
  j.String(design::kName);
  j.Key("build");
  j.String(design::kBuild);
  j.Key("result");
  j.String(b.passed() ? "pass" : "fail");
  j.Key("compared");
  j.Int(static_cast<int64_t>(b.compared()));
  j.Key("compared_predicted");
  j.Int(static_cast<int64_t>(b.predicted_compared()));
  j.Key("mismatches");
  j.Int(static_cast<int64_t>(b.verdict().count()));
  j.Key("first_mismatch");
  if (b.verdict().kept().empty())
    j.Null();
  else
    WriteMismatch(&j, b.verdict().kept().front());
  j.Key("further_mismatches");
  j.BeginArray();
  for (std::size_t i = 1; i < b.verdict().kept().size(); ++i)
    WriteMismatch(&j, b.verdict().kept()[i]);
  j.EndArray();
  j.Key("cycles");
  j.BeginObject();
  j.Key("predicted");
  last.predicted == 0 ? j.Null() : j.Int(static_cast<int64_t>(last.predicted));
  j.Key("simulated");
  j.Uint(last.cycles);
  j.EndObject();
  j.Key("mac_utilization");
  const double useful = static_cast<double>(
      last.infer ? design::Start(last.start).infer_products
                 : design::Start(last.start).products);
  j.Double(last.cycles == 0 ? 0
                            : useful / design::kRows / design::kColumns /
                                  static_cast<double>(last.cycles));
  j.Key("mmac_per_second");
  j.Double(last.seconds > 0 ? useful / 1e6 / last.seconds : 0);
  j.Key("seconds");
  j.Double(last.seconds);
  WriteSettings(&j, b);
  WriteRuns(&j, b);
  WritePhases(&j, b);
  WriteLayers(&j, b);
  WriteHeads(&j, b);
  WriteTraffic(&j, b);
  WriteResets(&j, b);
  j.Key("model");
  j.Raw(b.golden().network_note());
  j.EndObject();
  return j.text();
}

void WriteFile(const std::string& path, const std::string& text) {
  const std::string part = path + ".part";
  std::FILE* f = std::fopen(part.c_str(), "w");
  bool ok = f != nullptr;
  if (ok) {
    ok = std::fwrite(text.data(), 1, text.size(), f) == text.size();
    ok = std::fclose(f) == 0 && ok;
    ok = ok && std::rename(part.c_str(), path.c_str()) == 0;
  }
  if (!ok) throw CannotRun("cannot write " + path + ": " + std::strerror(errno));
}

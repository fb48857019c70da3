// Writes report.json.

#ifndef EPGEN_REPORT_H_
#define EPGEN_REPORT_H_

#include <string>

#include "bench.h"

// The report of a finished bench as JSON.
std::string ReportJson(const Bench& bench);

// Writes a text to a file, whole or not at all. Throws CannotRun.
void WriteFile(const std::string& path, const std::string& text);

#endif  // EPGEN_REPORT_H_

// The next tokens of rows from their logits; the same choices as the plain twin in sampling.py.
#pragma once
#include <vector>

#include "vec.h"

struct Rows {
  float* data;
  int64_t stride;
  int32_t count, size;

  float* at(int row) const { return data + row * stride; }
};

struct Rule {
  float temperature, top_p, min_p;
  int32_t top_k;
  double uniform;
};

struct Candidate {
  float share;
  int32_t token;
};

inline bool finite(const float* x, int size) {
  v16f zero{};
  int i = 0;
  // x * 0 is 0 for a number and NaN for anything else.
  for (; i + LANES <= size; i += LANES) zero += load(x + i) * 0.0f;
  float rest = sum(zero);
  for (; i < size; i++) rest += x[i] * 0.0f;
  return rest == 0.0f;
}

inline float highest(const float* x, int size) {
  v16f top = all(-INFINITY);
  int i = 0;
  for (; i + LANES <= size; i += LANES) top = larger(top, load(x + i));
  float best = largest(top);
  for (; i < size; i++) best = std::max(best, x[i]);
  return best;
}

// The first of the largest; 0 where nothing is left.
inline int likeliest(const float* x, int size) {
  const float best = highest(x, size);
  return static_cast<int>(std::find(x, x + size, best) - x);
}

// e^((x - top) / temperature) into `out`; the sum of it all.
inline double weigh(const float* x, int size, float temperature, float* out) {
  const float top = highest(x, size), inverse = 1.0f / temperature;
  double total = 0;
  int i = 0;
  for (; i + LANES <= size; i += LANES) {
    v16f gap = (load(x + i) - top) * inverse;
    v16f weight = select(gap == -INFINITY, v16f{}, exp_negative(gap));
    store(out + i, weight);
    total += sum(weight);
  }
  for (; i < size; i++) total += out[i] = std::exp((x[i] - top) * inverse);
  return total;
}

inline int pick_any(const float* weights, int size, double goal) {
  double seen = 0;
  int last = 0;
  for (int i = 0; i < size; i++) {
    if (weights[i] == 0.0f) continue;
    seen += weights[i];
    last = i;
    if (seen > goal) return i;
  }
  return last;
}

// The tokens worth at least `least` of the likeliest one, likeliest first.
inline void collect(const float* weights, int size, float least, std::vector<Candidate>& found) {
  found.clear();
  for (int i = 0; i < size; i++)
    if (weights[i] > least) found.push_back({weights[i], i});
  std::sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) {
    return a.share != b.share ? a.share > b.share : a.token < b.token;
  });
}

// Whether nothing outside of `found`, all worth `least` or less, could be kept.
inline bool enough(const std::vector<Candidate>& found, const Rule& rule, double total,
                   float least) {
  if (rule.top_k > 0) return static_cast<int>(found.size()) >= rule.top_k;
  if (least < rule.min_p) return true;
  double covered = 0;
  for (const Candidate& each : found) covered += each.share;
  return rule.top_p < 1.0f && covered >= rule.top_p * total;
}

inline int pick_from(std::vector<Candidate>& found, const Rule& rule, double total) {
  if (rule.top_k > 0) {
    if (static_cast<int>(found.size()) > rule.top_k) found.resize(rule.top_k);
    total = 0;
    for (const Candidate& each : found) total += each.share;
  }
  double before = 0;
  size_t kept = 0;
  for (; kept < found.size(); kept++) {
    const Candidate& each = found[kept];
    const bool likely = before < rule.top_p * total && each.share >= rule.min_p * found[0].share;
    if (kept > 0 && !likely) break;
    before += each.share;
  }
  double goal = rule.uniform * before, seen = 0;
  for (size_t i = 0; i < kept; i++)
    if ((seen += found[i].share) > goal) return found[i].token;
  return found[kept - 1].token;
}

inline int choose(const float* logits, int size, const Rule& rule, float* room) {
  thread_local std::vector<Candidate> found;
  if (rule.temperature <= 0.0f) return likeliest(logits, size);
  const double total = weigh(logits, size, rule.temperature, room);
  if (rule.top_k == 0 && rule.top_p >= 1.0f && rule.min_p == 0.0f)
    return pick_any(room, size, rule.uniform * total);
  for (float least = 1e-2f; least > 1e-30f; least *= 1e-2f) {
    collect(room, size, least, found);
    if (enough(found, rule, total, least)) return pick_from(found, rule, total);
  }
  collect(room, size, 0.0f, found);
  return pick_from(found, rule, total);
}

// Minus infinity for every token whose bit is not set.
inline void mask(float* logits, int size, const int32_t* bits) {
  for (int i = 0; i < size; i++)
    if (!((static_cast<uint32_t>(bits[i / 32]) >> (i % 32)) & 1)) logits[i] = -INFINITY;
}

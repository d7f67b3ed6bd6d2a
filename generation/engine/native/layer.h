// The small steps between the linear maps: norm, rotation, attention, gate, adapters.
#pragma once
#include "linear.h"

constexpr int PAIR = 2 * LANES;  // positions that attention takes at a time

inline void rms_norm(const float* x, const float* weight, int size, float eps, float* y) {
  v16f squares{};
  for (int i = 0; i < size; i += LANES) squares = fma(load(x + i), load(x + i), squares);
  float factor = 1.0f / std::sqrt(sum(squares) / static_cast<float>(size) + eps);
  for (int i = 0; i < size; i += LANES) store(y + i, load(x + i) * factor * load(weight + i));
}

// gate_up (2 * size) -> silu(gate) * up
inline void gate(const float* gate_up, int size, float* y) {
  for (int i = 0; i < size; i += LANES) {
    v16f g = load(gate_up + i), up = load(gate_up + size + i);
    v16f e = exp_negative(-larger(g, -g));  // e^-|g|, which cannot overflow
    v16f half = 1.0f / (1.0f + e);
    v16f sigmoid = select(g < 0.0f, e * half, half);
    store(y + i, g * sigmoid * up);
  }
}

// Turns one head (size) by its position's angles: cosines and sines of size / 2 pairs.
inline void rotate(const float* x, const float* cosines, const float* sines, int size, float* y) {
  const int half = size / 2;
  for (int i = 0; i < half; i++) {
    const float a = x[i], b = x[i + half];
    y[i] = a * cosines[i] - b * sines[i];
    y[i + half] = b * cosines[i] + a * sines[i];
  }
}

// Keys of 16 positions lie side by side, so that a vector of scores needs no summing across.
inline void store_key(_Float16* keys, int position, int size, const float* key) {
  _Float16* block = keys + static_cast<size_t>(position / LANES) * LANES * size;
  for (int d = 0; d < size; d++) block[d * LANES + position % LANES] = static_cast<_Float16>(key[d]);
}

inline void store_value(_Float16* values, int position, int size, const float* value) {
  _Float16* row = values + static_cast<size_t>(position) * size;
  for (int d = 0; d < size; d += LANES) store_half(row + d, load(value + d));
}

// Scores of G heads over `length` positions, the rest of the last pair at minus infinity.
template <int G>
inline void scores(const float* q, const _Float16* keys, int size, int length, float* out,
                   int stride) {
  for (int begin = 0; begin < length; begin += PAIR) {
    const _Float16* left = keys + static_cast<size_t>(begin) * size;
    const _Float16* right = left + static_cast<size_t>(LANES) * size;
    v16f a[G] = {}, b[G] = {};
    for (int d = 0; d < size; d++) {
      v16f ka = load_half(left + d * LANES), kb = load_half(right + d * LANES);
      for (int g = 0; g < G; g++) {
        a[g] = fma(ka, all(q[g * size + d]), a[g]);
        b[g] = fma(kb, all(q[g * size + d]), b[g]);
      }
    }
    for (int g = 0; g < G; g++) {
      store(out + g * stride + begin, a[g]);
      store(out + g * stride + begin + LANES, b[g]);
      for (int i = length; i < begin + PAIR; i++) out[g * stride + i] = -INFINITY;
    }
  }
}

// Scores to shares that sum to one.
inline void softmax(float* x, int padded) {
  v16f top = all(-INFINITY), total{};
  for (int i = 0; i < padded; i += LANES) top = larger(top, load(x + i));
  const float highest = largest(top);
  for (int i = 0; i < padded; i += LANES) {
    v16f e = exp_negative(load(x + i) - highest);
    e = select(load(x + i) == -INFINITY, v16f{}, e);
    store(x + i, e);
    total += e;
  }
  const float inverse = 1.0f / sum(total);
  for (int i = 0; i < padded; i += LANES) store(x + i, load(x + i) * inverse);
}

// Values of `length` positions mixed by the shares of G heads, B vectors of each head at once.
template <int G, int B>
inline void mix(const float* shares, int stride, const _Float16* values, int size, int length,
                float* out) {
  v16f total[G][B] = {};
  for (int i = 0; i < length; i++, values += size)
    for (int b = 0; b < B; b++) {
      v16f value = load_half(values + b * LANES);
      for (int g = 0; g < G; g++) total[g][b] = fma(value, all(shares[g * stride + i]), total[g][b]);
    }
  for (int g = 0; g < G; g++)
    for (int b = 0; b < B; b++) store(out + g * size + b * LANES, total[g][b]);
}

// G query heads (G, size) over one key head of `length` positions; `room` holds G * stride.
template <int G>
inline void attend(const float* q, const _Float16* keys, const _Float16* values, int size,
                   int length, float* room, int stride, float* out) {
  scores<G>(q, keys, size, length, room, stride);
  const int padded = (length + PAIR - 1) / PAIR * PAIR;
  for (int g = 0; g < G; g++) softmax(room + g * stride, padded);
  int d = 0;
  for (; d + 4 * LANES <= size; d += 4 * LANES)
    mix<G, 4>(room, stride, values + d, size, length, out + d);
  for (; d < size; d += LANES) mix<G, 1>(room, stride, values + d, size, length, out + d);
}

inline void attend_group(const float* q, const _Float16* keys, const _Float16* values, int size,
                         int length, float* room, int stride, int heads, float* out) {
  while (heads > 0) {
    const int now = std::min(heads, 4);
    if (now == 4) attend<4>(q, keys, values, size, length, room, stride, out);
    if (now == 3) attend<3>(q, keys, values, size, length, room, stride, out);
    if (now == 2) attend<2>(q, keys, values, size, length, room, stride, out);
    if (now == 1) attend<1>(q, keys, values, size, length, room, stride, out);
    heads -= now, q += now * size, out += now * size;
  }
}

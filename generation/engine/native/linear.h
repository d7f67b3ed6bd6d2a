// Linear maps with 4- or 8-bit weights and 8-bit activations, both scaled by groups of 32.
//
// Weights are cut into tiles of 16 outputs by 32 inputs, one after another as they are read:
// 16 scales, 16 minimums (half precision), then the numbers; lane i of a vector is output i.
// Every output of a row is summed in the same order however many rows there are, so a row's
// result does not depend on its neighbours.
#pragma once
#include <algorithm>

#include "vec.h"

constexpr int GROUP = 32;
constexpr int QUADS = GROUP / 4;
constexpr int ROWS = 8;
constexpr int HEADER = 2 * LANES * sizeof(_Float16);

struct Linear {
  int32_t out, in, bits;  // out is a multiple of 16, in of 32
  const uint8_t* data;
  const float* bias;
};

// The 8-bit form of some rows: x = scale * q, and sums = scale * sum(q) of each group.
struct Quantized {
  int8_t* q;
  float* scales;
  float* sums;
};

inline size_t tile_bytes(int bits) { return HEADER + LANES * GROUP * bits / 8; }

inline void quantize_row(const float* x, int size, int8_t* q, float* scales, float* sums) {
  for (int g = 0; g < size / GROUP; g++, x += GROUP, q += GROUP) {
    v16f a = load(x), b = load(x + LANES);
    float top = largest(larger(larger(a, -a), larger(b, -b)));
    float scale = top / 127.0f, inverse = top > 0 ? 127.0f / top : 0.0f;
    v16i ia = __builtin_convertvector(nearest(a * inverse), v16i);
    v16i ib = __builtin_convertvector(nearest(b * inverse), v16i);
    int total = 0;
    for (int i = 0; i < LANES; i++) {
      q[i] = static_cast<int8_t>(ia[i]);
      q[i + LANES] = static_cast<int8_t>(ib[i]);
      total += ia[i] + ib[i];
    }
    scales[g] = scale;
    sums[g] = scale * static_cast<float>(total);
  }
}

// One tile's numbers, unpacked: quad j holds inputs 4j..4j+3 of all 16 outputs.
struct Quads {
#ifdef __AVX512VNNI__
  __m512i part[QUADS];
#else
  uint8_t part[QUADS][64];
#endif
};

template <int BITS>
inline void unpack(const uint8_t* p, Quads& quads) {
#ifdef __AVX512VNNI__
  if (BITS == 8) {
    for (int j = 0; j < QUADS; j++) quads.part[j] = _mm512_loadu_si512(p + 64 * j);
    return;
  }
  const __m512i low = _mm512_set1_epi8(15);
  for (int j = 0; j < QUADS / 2; j++) {
    __m512i both = _mm512_loadu_si512(p + 64 * j);
    quads.part[j] = _mm512_and_si512(both, low);
    quads.part[j + QUADS / 2] = _mm512_and_si512(_mm512_srli_epi16(both, 4), low);
  }
#else
  for (int j = 0; j < (BITS == 8 ? QUADS : QUADS / 2); j++) {
    for (int i = 0; i < 64; i++) {
      uint8_t both = p[64 * j + i];
      quads.part[j][i] = BITS == 8 ? both : both & 15;
      if (BITS == 4) quads.part[(j + QUADS / 2) % QUADS][i] = both >> 4;
    }
  }
#endif
}

inline v16f dot(const Quads& quads, const int8_t* q) {
#ifdef __AVX512VNNI__
  __m512i total = _mm512_setzero_si512();
  for (int j = 0; j < QUADS; j++) {
    int32_t four;
    std::memcpy(&four, q + 4 * j, 4);
    total = _mm512_dpbusd_epi32(total, quads.part[j], _mm512_set1_epi32(four));
  }
  return _mm512_cvtepi32_ps(total);
#else
  v16i total{};
  for (int j = 0; j < QUADS; j++)
    for (int i = 0; i < LANES; i++)
      for (int b = 0; b < 4; b++) total[i] += quads.part[j][4 * i + b] * q[4 * j + b];
  return __builtin_convertvector(total, v16f);
#endif
}

// R rows times the 16 outputs of one column of tiles.
template <int BITS, int R>
inline void column(const Linear& w, int tile, const Quantized& x, int row, v16f* total) {
  const int groups = w.in / GROUP;
  const uint8_t* p = w.data + static_cast<size_t>(tile) * groups * tile_bytes(BITS);
  for (int g = 0; g < groups; g++, p += tile_bytes(BITS)) {
    const _Float16* header = reinterpret_cast<const _Float16*>(p);
    v16f scale = load_half(header), low = load_half(header + LANES);
    Quads quads;
    unpack<BITS>(p + HEADER, quads);
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      const size_t at = static_cast<size_t>(row + r) * groups + g;
      v16f product = dot(quads, x.q + at * GROUP);
      total[r] = fma(product, scale * x.scales[at], total[r]);
      total[r] = fma(low, all(x.sums[at]), total[r]);
    }
  }
}

// y (rows, out) = x w + bias for the tiles [begin, end); added to y when `add`.
template <int BITS, int R>
inline void rows_of(const Linear& w, int tile, const Quantized& x, int row, float* y, bool add) {
  v16f total[R];
  for (int r = 0; r < R; r++) total[r] = w.bias ? load(w.bias + tile * LANES) : v16f{};
  column<BITS, R>(w, tile, x, row, total);
  for (int r = 0; r < R; r++) {
    float* out = y + static_cast<size_t>(row + r) * w.out + tile * LANES;
    store(out, add ? load(out) + total[r] : total[r]);
  }
}

template <int BITS>
inline void tiles(const Linear& w, const Quantized& x, int rows, float* y, bool add, int begin,
                  int end) {
  for (int tile = begin; tile < end; tile++) {
    int row = 0;
    for (; row + ROWS <= rows; row += ROWS) rows_of<BITS, ROWS>(w, tile, x, row, y, add);
    for (; row + 4 <= rows; row += 4) rows_of<BITS, 4>(w, tile, x, row, y, add);
    for (; row + 2 <= rows; row += 2) rows_of<BITS, 2>(w, tile, x, row, y, add);
    for (; row < rows; row++) rows_of<BITS, 1>(w, tile, x, row, y, add);
  }
}

// The share of thread `id` in y = x w.
inline void linear(const Linear& w, const Quantized& x, int rows, float* y, bool add, int id,
                   int threads) {
  const int count = w.out / LANES;
  const int begin = count * id / threads, end = count * (id + 1) / threads;
  if (w.bits == 4)
    tiles<4>(w, x, rows, y, add, begin, end);
  else
    tiles<8>(w, x, rows, y, add, begin, end);
}

// One group of one output: its scale and minimum, and the number of each weight.
inline void pack_group(const uint16_t* w, int bits, int lane, uint8_t* tile) {
  v16f left, right;
  for (int i = 0; i < LANES; i++) {
    left[i] = from_bf16(w[i]);
    right[i] = from_bf16(w[i + LANES]);
  }
  const float high = largest(larger(left, right)), low = -largest(larger(-left, -right));
  // Eight bits are symmetric around 128, four bits span the group.
  const float step = bits == 8 ? std::max(-low, high) / 127.0f : (high - low) / 15.0f;
  const auto scale = static_cast<_Float16>(step);
  const auto base = static_cast<_Float16>(bits == 8 ? -128.0f * static_cast<float>(scale) : low);
  _Float16* header = reinterpret_cast<_Float16*>(tile);
  header[lane] = scale;
  header[LANES + lane] = base;
  const float inverse = static_cast<float>(scale) > 0 ? 1.0f / static_cast<float>(scale) : 0.0f;
  const v16f top = all(bits == 8 ? 255.0f : 15.0f);
  auto numbers = [&](v16f half) {
    v16f place = larger(nearest((half - static_cast<float>(base)) * inverse), v16f{});
    return __builtin_convertvector(-larger(-place, -top), v16i);
  };
  const v16i first = numbers(left), second = numbers(right);
  uint8_t* out = tile + HEADER;
  for (int i = 0; i < GROUP; i++) {
    const int number = i < LANES ? first[i] : second[i - LANES];
    const int quad = i / 4, at = 4 * lane + i % 4;
    if (bits == 8)
      out[64 * quad + at] = static_cast<uint8_t>(number);
    else
      out[64 * (quad % (QUADS / 2)) + at] |= number << (quad < QUADS / 2 ? 0 : 4);
  }
}

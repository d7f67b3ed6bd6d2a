// Linear maps with 4- or 8-bit weights and 8-bit activations, both scaled by groups of 32.
//
// Weights are cut into tiles of 16 outputs by 32 inputs, one after another as they are read:
// 16 scales, 16 minimums (half precision), then the numbers; lane i of a vector is output i.
// Activations lie in blocks of eight rows, each group's numbers, scales and sums side by side.
// Every output of a row is summed in the same order however many rows there are, so a row's
// result does not depend on its neighbours.
#pragma once
#include <algorithm>

#include "dot.h"

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
  int8_t* q;      // (rows / 8, in / 32, 8 quads, 8 rows, 4)
  float* scales;  // (rows / 8, in / 32, 8 rows)
  float* sums;
};

inline size_t tile_bytes(int bits) { return HEADER + LANES * GROUP * bits / 8; }

// Where the scales of a row's block begin; its numbers begin at GROUP times that.
inline size_t block_of(int row, int groups) {
  return static_cast<size_t>(row / ROWS) * groups * ROWS;
}

inline void quantize_row(const float* x, int size, int row, const Quantized& to) {
  const size_t block = block_of(row, size / GROUP);
  int8_t* q = to.q + block * GROUP + 4 * (row % ROWS);
  float* scales = to.scales + block + row % ROWS;
  float* sums = to.sums + block + row % ROWS;
  for (int g = 0; g < size / GROUP; g++, x += GROUP) {
    v16f a = load(x), b = load(x + LANES);
    float top = largest(larger(larger(a, -a), larger(b, -b)));
    float scale = top / 127.0f, inverse = top > 0 ? 127.0f / top : 0.0f;
    v16i ia = to_ints(nearest(a * inverse)), ib = to_ints(nearest(b * inverse));
    int8_t numbers[GROUP];
    bytes_of(ia, numbers);
    bytes_of(ib, numbers + LANES);
    for (int j = 0; j < QUADS; j++, q += 4 * ROWS) std::memcpy(q, numbers + 4 * j, 4);
    scales[g * ROWS] = scale;
    sums[g * ROWS] = scale * static_cast<float>(sum(ia + ib));
  }
}

// Quads j and j + QUADS / 2 of a tile's numbers, which 4-bit weights keep in the same bytes.
template <int BITS>
inline void unpack(const uint8_t* p, int j, Quad<BITS>& first, Quad<BITS>& second) {
  const uint8_t* at = p + QUAD_BYTES * j;
  if constexpr (BITS == 4) {
    Quad<BITS>::load_halves(at, first, second);
  } else {
    first = Quad<BITS>::load(at);
    second = Quad<BITS>::load(at + QUAD_BYTES * QUADS / 2);
  }
}

// R rows of a block times the 16 outputs of one column of tiles. The rows take turns with each
// quad; one or two rows alone keep two sums each where products have to wait for each other.
template <int BITS, int R>
inline void column(const Linear& w, int tile, const Quantized& x, int row, v16f* total) {
  constexpr bool APART = LONG_WAITS && R <= 2;
  const int groups = w.in / GROUP;
  const size_t block = block_of(row, groups);
  const int8_t* q = x.q + block * GROUP + 4 * (row % ROWS);
  const float *scales = x.scales + block + row % ROWS, *sums = x.sums + block + row % ROWS;
  const uint8_t* p = w.data + static_cast<size_t>(tile) * groups * tile_bytes(BITS);
  const size_t next = static_cast<size_t>(groups) * tile_bytes(BITS);
  for (int g = 0; g < groups; g++) {
    if (BITS == 4 && R > 1 && row == 0)
      for (size_t line = 0; line < tile_bytes(BITS); line += 64) __builtin_prefetch(p + next + line);
    Products<BITS> product[R], more[R];
#pragma GCC unroll 4
    for (int j = 0; j < QUADS / 2; j++) {
      Quad<BITS> first, second;
      unpack<BITS>(p + HEADER, j, first, second);
      const int8_t *left = q + 4 * ROWS * j, *right = left + 2 * ROWS * QUADS;
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) product[r].add(first, left + 4 * r);
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) (APART ? more[r] : product[r]).add(second, right + 4 * r);
    }
    const _Float16* header = reinterpret_cast<const _Float16*>(p);
    const v16f scale = load_half(header), low = load_half(header + LANES);
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      const v16i found = APART ? product[r].sums() + more[r].sums() : product[r].sums();
      total[r] = fma(to_floats(found), scale * scales[r], total[r]);
      total[r] = fma(low, all(sums[r]), total[r]);
    }
    p += tile_bytes(BITS), q += ROWS * GROUP, scales += ROWS, sums += ROWS;
  }
}

// y (rows, out) = x w + bias for R rows of a block and one tile; added to y when `add`.
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

// At most rows_together(BITS) rows; fewer are done by the instance for one less, and so on.
template <int BITS, int R>
inline void some_rows(const Linear& w, int tile, const Quantized& x, int row, int rows, float* y,
                      bool add) {
  if constexpr (R > 1)
    if (rows < R) return some_rows<BITS, R - 1>(w, tile, x, row, rows, y, add);
  rows_of<BITS, R>(w, tile, x, row, y, add);
}

template <int BITS>
inline void tiles(const Linear& w, const Quantized& x, int rows, float* y, bool add, int begin,
                  int end) {
  constexpr int TOGETHER = rows_together(BITS);
  for (int tile = begin; tile < end; tile++)
    for (int row = 0; row < rows; row += TOGETHER)
      some_rows<BITS, TOGETHER>(w, tile, x, row, std::min(TOGETHER, rows - row), y, add);
}

// The outputs of the tiles [begin, end) in y = x w.
inline void linear(const Linear& w, const Quantized& x, int rows, float* y, bool add, int begin,
                   int end) {
  if (w.bits == 4)
    tiles<4>(w, x, rows, y, add, begin, end);
  else
    tiles<8>(w, x, rows, y, add, begin, end);
}

// One group of one output: its scale and minimum, and the number of each weight.
inline void pack_group(const uint16_t* w, int bits, int lane, uint8_t* tile) {
  const v16f left = load_bf16(w), right = load_bf16(w + LANES);
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
    return to_ints(-larger(-place, -top));
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

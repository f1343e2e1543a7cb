"""The kernels of `triton_dot`: the sums of `triton_kernels` as matrix products, which run on a GPU's tensor cores.

Upper-case arguments are constants for the compiler, as there. A product's sides are powers of two: OUTPUTS are filled
up with zeros to ROWS, and the 25 CHANNELS places of a kernel, its taps, are taken TAPS at a time. PRECISION is Triton's
name of how float32 numbers are multiplied: "tf32x3" is three products of numbers of ten bits.
"""

from __future__ import annotations

import triton
import triton.language as tl

from lrsearch.training.lenet.triton_kernels import ANY_LANES, CLOSED


@triton.jit
def _pixels(images_ptr, tap, image, CHANNELS: tl.constexpr, SIDE: tl.constexpr, BATCH: tl.constexpr, P: tl.constexpr):
    """Return the pixels `[taps, images]` under the taps (channel, row, column) of a kernel at place P of a window."""
    at = tap // 25 * SIDE * SIDE + (tap % 25 // 5 + P // 2) * SIDE + tap % 5 + P % 2
    inside = (tap < 25 * CHANNELS)[:, None] & (image < BATCH)[None, :]
    return tl.load(images_ptr + at[:, None] * BATCH + image[None, :], mask=inside, other=0.0)


@triton.jit(**ANY_LANES)
def forward(
    images_ptr,
    weights_ptr,
    bias_ptr,
    output_ptr,
    place_ptr,
    images_stride,
    weights_stride,
    bias_stride,
    CHANNELS: tl.constexpr,
    OUTPUTS: tl.constexpr,
    SIDE: tl.constexpr,
    WINDOWS: tl.constexpr,
    BATCH: tl.constexpr,
    ROWS: tl.constexpr,
    TAPS: tl.constexpr,
    BLOCK: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """Compute all outputs of one window for some images."""
    blocks: tl.constexpr = (BATCH + BLOCK - 1) // BLOCK
    size: tl.constexpr = 25 * CHANNELS
    window, lane = tl.program_id(0) // blocks, tl.program_id(1)
    image = tl.program_id(0) % blocks * BLOCK + tl.arange(0, BLOCK)
    o = tl.arange(0, ROWS)
    corner = (window // WINDOWS * 2 * SIDE + window % WINDOWS * 2) * BATCH
    images_ptr += lane.to(tl.int64) * images_stride + corner
    z = ()
    for _ in tl.static_range(4):
        z = z + (tl.zeros([ROWS, BLOCK], tl.float32),)
    for start in range(0, size, TAPS):
        tap = start + tl.arange(0, TAPS)
        of_weights = lane * weights_stride + o[:, None] * size + tap[None, :]
        w = tl.load(weights_ptr + of_weights, mask=(o < OUTPUTS)[:, None] & (tap < size)[None, :], other=0.0)
        more = ()
        for p in tl.static_range(4):
            x = _pixels(images_ptr, tap, image, CHANNELS, SIDE, BATCH, p)
            more = more + (tl.dot(w, x, z[p], input_precision=PRECISION),)
        z = more
    largest = z[0]
    place = tl.zeros([ROWS, BLOCK], tl.uint8)
    for p in tl.static_range(1, 4):
        larger = (z[p] > largest) | (z[p] != z[p])  # what is not a number stays one
        largest = tl.where(larger, z[p], largest)
        place = tl.where(larger, p, place).to(tl.uint8)
    largest += tl.load(bias_ptr + lane * bias_stride + o, mask=o < OUTPUTS, other=0.0)[:, None]
    closed = largest <= 0
    row = (lane * OUTPUTS + o).to(tl.int64)
    at = (row[:, None] * WINDOWS * WINDOWS + window) * BATCH + image[None, :]
    mask = (o < OUTPUTS)[:, None] & (image < BATCH)[None, :]
    tl.store(output_ptr + at, tl.where(closed, 0.0, largest), mask=mask)
    tl.store(place_ptr + at, tl.where(closed, CLOSED, place).to(tl.uint8), mask=mask)


@triton.jit(**ANY_LANES)
def weights_gradient(
    images_ptr,
    gradient_ptr,
    place_ptr,
    weights_ptr,
    bias_ptr,
    images_stride,
    lanes,
    CHANNELS: tl.constexpr,
    OUTPUTS: tl.constexpr,
    SIDE: tl.constexpr,
    WINDOWS: tl.constexpr,
    BATCH: tl.constexpr,
    ROWS: tl.constexpr,
    TAPS: tl.constexpr,
    BLOCK: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """Sum one row of windows of all images, for all outputs and TAPS places of their kernels."""
    size: tl.constexpr = 25 * CHANNELS
    line, part, lane = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    o, tap = tl.arange(0, ROWS), part * TAPS + tl.arange(0, TAPS)
    images_ptr += lane.to(tl.int64) * images_stride + 2 * line * SIDE * BATCH
    from_output = ((lane * OUTPUTS + o).to(tl.int64) * WINDOWS + line) * WINDOWS * BATCH
    of_weights = tl.zeros([ROWS, TAPS], tl.float32)
    of_bias = tl.zeros([ROWS], tl.float32)
    for step in range((BATCH + BLOCK - 1) // BLOCK * WINDOWS):
        window = step % WINDOWS
        image = step // WINDOWS * BLOCK + tl.arange(0, BLOCK)
        mask = (o < OUTPUTS)[:, None] & (image < BATCH)[None, :]
        at = from_output[:, None] + window * BATCH + image[None, :]
        gradient = tl.load(gradient_ptr + at, mask=mask, other=0.0)
        place = tl.load(place_ptr + at, mask=mask, other=CLOSED)
        of_bias += tl.sum(tl.where(place == CLOSED, 0.0, gradient), 1)
        for p in tl.static_range(4):
            x = _pixels(images_ptr + 2 * window * BATCH, tap, image, CHANNELS, SIDE, BATCH, p)
            d = tl.where(place == p, gradient, 0.0)
            of_weights = tl.dot(d, tl.trans(x), of_weights, input_precision=PRECISION)
    row = (line * lanes + lane) * OUTPUTS + o
    inside = (o < OUTPUTS)[:, None] & (tap < size)[None, :]
    tl.store(weights_ptr + row[:, None].to(tl.int64) * size + tap[None, :], of_weights, mask=inside)
    if part == 0:
        tl.store(bias_ptr + row, of_bias, mask=o < OUTPUTS)


@triton.jit(**ANY_LANES)
def images_gradient(
    gradient_ptr,
    place_ptr,
    weights_ptr,
    images_ptr,
    weights_stride,
    CHANNELS: tl.constexpr,
    OUTPUTS: tl.constexpr,
    SIDE: tl.constexpr,
    WINDOWS: tl.constexpr,
    BATCH: tl.constexpr,
    ROWS: tl.constexpr,
    PIXELS: tl.constexpr,
    BLOCK: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """Compute the 2x2 pixels of one block, in all channels of some images; PIXELS is 4 CHANNELS, filled up."""
    blocks: tl.constexpr = (BATCH + BLOCK - 1) // BLOCK
    half: tl.constexpr = SIDE // 2
    block, lane = tl.program_id(0) // blocks, tl.program_id(1)
    block_y, block_x = block // half, block % half
    image = tl.program_id(0) % blocks * BLOCK + tl.arange(0, BLOCK)
    weights_ptr += lane * weights_stride
    pixel, o = tl.arange(0, PIXELS), tl.arange(0, ROWS)
    channel, q = pixel // 4, pixel % 4
    of_weights = (o[None, :] * CHANNELS + channel[:, None]) * 25
    inside = (channel < CHANNELS)[:, None] & (o < OUTPUTS)[None, :]
    pixels = tl.zeros([PIXELS, BLOCK], tl.float32)
    for reached in tl.static_range(9):
        window_y, window_x = block_y - reached // 3, block_x - reached % 3
        if (window_y >= 0) & (window_y < WINDOWS) & (window_x >= 0) & (window_x < WINDOWS):
            row = (lane * OUTPUTS + o).to(tl.int64)
            at = ((row * WINDOWS + window_y) * WINDOWS + window_x)[:, None] * BATCH + image[None, :]
            mask = (o < OUTPUTS)[:, None] & (image < BATCH)[None, :]
            gradient = tl.load(gradient_ptr + at, mask=mask, other=0.0)
            place = tl.load(place_ptr + at, mask=mask, other=CLOSED)
            for p in tl.static_range(4):
                # The pixels lie so far below and to the right of the convolution's output.
                y = (2 * (reached // 3) + q // 2 - p // 2)[:, None]
                x = (2 * (reached % 3) + q % 2 - p % 2)[:, None]
                tapped = inside & (y >= 0) & (y < 5) & (x >= 0) & (x < 5)
                w = tl.load(weights_ptr + of_weights + 5 * y + x, mask=tapped, other=0.0)
                pixels = tl.dot(w, tl.where(place == p, gradient, 0.0), pixels, input_precision=PRECISION)
    y, x = 2 * block_y + q // 2, 2 * block_x + q % 2
    at = (((lane * CHANNELS + channel).to(tl.int64) * SIDE) + y) * SIDE + x
    stored = (channel < CHANNELS)[:, None] & (image < BATCH)[None, :]
    tl.store(images_ptr + at[:, None] * BATCH + image[None, :], pixels, mask=stored)


@triton.jit(do_not_specialize=["a_lane", "b_lane"], do_not_specialize_on_alignment=["a_ptr", "b_ptr"])
def product(
    a_ptr,
    b_ptr,
    c_ptr,
    a_lane,
    b_lane,
    A_ROW: tl.constexpr,
    A_COLUMN: tl.constexpr,
    B_ROW: tl.constexpr,
    B_COLUMN: tl.constexpr,
    M: tl.constexpr,
    N: tl.constexpr,
    K: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    DEPTH: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """Compute one tile of `a[M, K] b[K, N]` of one lane; A_ROW, ... are the strides of rows and columns."""
    lane = tl.program_id(1).to(tl.int64)
    across: tl.constexpr = (N + COLUMNS - 1) // COLUMNS
    m = tl.program_id(0) // across * ROWS + tl.arange(0, ROWS)
    n = tl.program_id(0) % across * COLUMNS + tl.arange(0, COLUMNS)
    a_ptr += lane * a_lane
    b_ptr += lane * b_lane
    tile = tl.zeros([ROWS, COLUMNS], tl.float32)
    for start in range(0, K, DEPTH):
        k = start + tl.arange(0, DEPTH)
        of_a = m[:, None] * A_ROW + k[None, :] * A_COLUMN
        of_b = k[:, None] * B_ROW + n[None, :] * B_COLUMN
        a = tl.load(a_ptr + of_a, mask=(m < M)[:, None] & (k < K)[None, :], other=0.0)
        b = tl.load(b_ptr + of_b, mask=(k < K)[:, None] & (n < N)[None, :], other=0.0)
        tile = tl.dot(a, b, tile, input_precision=PRECISION)
    at = (lane * M + m[:, None]) * N + n[None, :]
    tl.store(c_ptr + at, tile, mask=(m < M)[:, None] & (n < N)[None, :])

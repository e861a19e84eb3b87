import Testing

@testable import MeteoRAKernels

@Suite("Inputs of linear layers")
struct ProductInputTests {
  /// The other tests of products choose their sizes by these.
  @Test(
    "it copies many rows, for many outputs, in tiles of up to 512 rows or 8 MiB",
    arguments: [
      (rows: 8, inputs: 20, outputs: 1000, tiles: []), (9, 20, 64, []), (9, 20, 65, [9]),
      (512, 260, 72, [512]), (513, 260, 72, [264, 249]), (600, 260, 72, [304, 296]),
      (1030, 260, 72, [344, 344, 342]), (64, 33_000, 72, [64]), (65, 33_000, 72, [40, 25]),
      (130, 33_000, 72, [48, 48, 34]), (64, 32_768, 72, [64]), (65, 32_768, 72, [40, 25]),
      (65, 16_384, 72, [65]), (129, 16_384, 72, [72, 57]),
    ])
  func makesTiles(rows: Int, inputs: Int, outputs: Int, tiles: [Int]) throws {
    let x = AlignedMemory(byteCount: rows * inputs * MemoryLayout<Float>.size)
    x.floats.initialize(repeating: 0, count: rows * inputs)
    let layer = try WeightMatrix(
      [Float](repeating: 0, count: outputs * inputs), outFeatures: outputs, inFeatures: inputs)
    let input = ProductInput(x.floats, rows: rows, for: [layer], parallelism: .serial)
    #expect(input.tiles.map(\.rows) == tiles)
    for tile in input.tiles.dropLast() { #expect(tile.rows == input.rowsOfTile) }
    #expect(input.rowsOfTile >= tiles.first ?? rows)
  }
}

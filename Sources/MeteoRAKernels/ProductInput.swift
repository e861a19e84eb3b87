// ProductInput: the rows of x, prepared once for all products that read them.
//
//   rows        panels     what products read
//   1 to 8      any        x itself, row by row                          RowProduct.swift
//   9 …         1 or 2     x itself: a copy would cost more than it saves
//   9 …         3 …        tiles of up to 512 rows and 8 MiB, interleaved   InterleavedInput.swift
//
//   1100 rows of 4096:     ├── 368 ──┼── 368 ──┼── 364 ──┤       equal tiles, multiples of 8 rows
//
// All tiles are copied before the first product, so x is there twice meanwhile.

/// An input of linear layers, in the order in which their products read it; made once for all
/// layers that share it.
package struct ProductInput {
  /// `[rows, width]`, row-major: must outlive this.
  package let x: UnsafePointer<Float>
  package let rows: Int
  package let width: Int
  /// Tiles of rows, interleaved; none if rows are read where they are.
  let tiles: [InterleavedInput]
  /// Rows of every tile but the last; without tiles, all of them.
  package let rowsOfTile: Int

  /// Up to this number, rows are read where they are.
  private static let fewRows = 8

  /// Up to this number, panels are too few to pay for a copy.
  private static let fewPanels = 2

  /// - Parameters:
  ///   - x: `[rows, inFeatures]`, row-major; must outlive this.
  ///   - layers: What it will be multiplied with; `inFeatures` of all of them are the same.
  package init(
    _ x: UnsafePointer<Float>, rows: Int, for layers: [WeightMatrix], parallelism: Parallelism
  ) {
    let width = layers.first?.inFeatures ?? 0
    let panels = layers.reduce(0) { $0 + $1.panels.count }
    self.x = x
    self.rows = rows
    self.width = width
    guard rows > Self.fewRows, panels > Self.fewPanels else {
      tiles = []
      rowsOfTile = max(rows, 1)
      return
    }
    let rowsOfTile = Self.rowsOfTile(rows: rows, width: width)
    self.rowsOfTile = rowsOfTile
    tiles = stride(from: 0, to: rows, by: rowsOfTile).map { first in
      InterleavedInput(
        x + first * width, rows: min(rowsOfTile, rows - first), width: width,
        parallelism: parallelism)
    }
  }

  /// Rows of a tile at most: the totals of a panel stay in the second-level cache.
  package static let mostRowsOfTile = 512

  /// Equal tiles, multiples of eight rows, of up to 8 MiB each: what the third-level cache holds
  /// while all weights pass.
  private static func rowsOfTile(rows: Int, width: Int) -> Int {
    let budget = 8 << 20
    let fitting = max(budget / max(width * MemoryLayout<Float>.size, 1), 64)
    let most = min(fitting, mostRowsOfTile) / 8 * 8
    let tiles = (rows + most - 1) / most
    return (rows + tiles * 8 - 1) / (tiles * 8) * 8
  }
}

/// How many lines the files have.
package struct TinyDataSize: Sendable, Equatable {
  /// Of the base's training.
  package var base: Int
  /// Of each task, for its adapter, and for gates where there are only singles.
  package var adapter: Int
  /// For gates, of each task, lists of its own included: 2 of 3 are singles.
  package var gates: Int
  /// For gates, composites for each task.
  package var mixed: Int
  /// Held out of each task, and of the base and the mixes; at most ``TestRequests/most``.
  package var test: Int
  /// Held-out composites of three and of five items.
  package var composites3: Int
  package var composites5: Int

  package init(
    base: Int, adapter: Int, gates: Int, mixed: Int, test: Int, composites3: Int, composites5: Int
  ) {
    self.base = base
    self.adapter = adapter
    self.gates = gates
    self.mixed = mixed
    self.test = test
    self.composites3 = composites3
    self.composites5 = composites5
  }

  /// What the trained bundle is made from: the base has 5,000 steps of 32 lines without repetition,
  /// an adapter 200, the gates about 1,000.
  package static let full = TinyDataSize(
    base: 160_000, adapter: 6400, gates: 1350, mixed: 900, test: 1000, composites3: 1000,
    composites5: 500)

  /// Refuses what no folder can have.
  func check() throws(TinyDataError) {
    let most = Int(Int32.max)
    for (name, count, allowed) in [
      ("of the base", base, 1...most), ("for an adapter", adapter, 1...most),
      ("for the gates", gates, 1...most), ("of composites for the gates", mixed, 1...most),
      ("of a test", test, 1...TestRequests.most), ("of composite-3", composites3, 1...most),
      ("of composite-5", composites5, 1...most),
    ] where !allowed.contains(count) {
      throw .size(name, found: count, expected: allowed)
    }
  }
}

/// The held-out single requests of a task, no two the same.
struct TestRequests {
  private let task: TinyTask
  private let seed: UInt64

  /// As many as there are of every task; of numbers and lengths, 9,900 each, about one of eight is
  /// held out.
  static let most = 1000

  init(_ task: TinyTask, seed: UInt64) {
    self.task = task
    self.seed = seed
  }

  /// The bytes of a file.
  ///
  /// - Parameter count: The number of lines, at most ``most``.
  func file(_ count: Int) -> [UInt8] {
    var draws = SampleDraws.lines(of: "test/\(task.name)", seed: seed)(0)
    var seen: Set<[UInt8]> = []
    var bytes: [UInt8] = []
    while seen.count < count {
      let item = TinyItem.plain(task, .heldOut, from: &draws)
      if seen.insert(Array(item.request.utf8)).inserted { bytes += TinySample.single(item) }
    }
    return bytes
  }
}

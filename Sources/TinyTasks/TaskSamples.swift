import MeteoRAEvaluation

/// What adapters and gates learn a task from, in one of several mixes.
struct TaskSamples {
  /// What the lines of a file are.
  enum Mix: Sendable {
    /// Single items.
    case singles
    /// For adapters, of 20 lines 6 single items, 7 lists of the task's own items, and 7 lists of own
    /// items among items by code: an adapter must not disturb its neighbours, and they not it.
    case listsAndCodes
    /// For gates, of 3 lines 2 single items and a list of the task's own items.
    case lists
  }

  private let task: TinyTask
  private let mix: Mix
  private let split: TinySplit
  private let lines: (_ line: Int) -> SampleDraws

  init(_ task: TinyTask, _ mix: Mix, _ split: TinySplit, file: String, seed: UInt64) {
    self.task = task
    self.mix = mix
    self.split = split
    lines = SampleDraws.lines(of: file, seed: seed)
  }

  /// The bytes of a line, from 0 on.
  func line(_ number: Int) throws(CompositeError) -> [UInt8] {
    var draws = lines(number)
    switch (mix, number % 20, number % 3) {
    case (.singles, _, _), (.listsAndCodes, ..<6, _), (.lists, _, ..<2):
      return TinySample.single(.plain(task, split, from: &draws))
    case (.listsAndCodes, 13..., _):
      return try list(from: &draws) { draws in
        draws.isTrue(percent: 50)
          ? .plain(task, split, from: &draws)
          : .coded(draws.element(of: TinyTask.skills), split, from: &draws)
      }
    default:
      return try list(from: &draws) { .plain(task, split, from: &$0) }
    }
  }

  private func list(
    from draws: inout SampleDraws, _ item: (inout SampleDraws) -> TinyItem
  ) throws(CompositeError) -> [UInt8] {
    let count = draws.element(of: TinySample.listLengths)
    return try TinySample.list((0..<count).map { _ in item(&draws) })
  }
}

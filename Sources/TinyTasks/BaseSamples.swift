import MeteoRAEvaluation

/// What the base learns from: what the skills do, how lists go, and to keep in mind which words
/// stand in which request, but never what the words mean.
///
/// 60 of 100 samples have a key. Of the items 40 of 100 ask for a skill by its code; the others are
/// requests in the words of one of the 14 tasks, which mean what the key says, or without a key
/// what ``TinyTask/misunderstanding`` says. 30 of 100 samples are single items, the others lists of two to five.
struct BaseSamples {
  private let lines: (_ line: Int) -> SampleDraws
  private let split: TinySplit

  private static let keyedPercent = 60
  private static let codedPercent = 40
  private static let singlePercent = 30

  init(_ split: TinySplit, file: String, seed: UInt64) {
    lines = SampleDraws.lines(of: file, seed: seed)
    self.split = split
  }

  /// The bytes of a line, from 0 on.
  func line(_ number: Int) throws(CompositeError) -> [UInt8] {
    var draws = lines(number)
    let key =
      draws.isTrue(percent: Self.keyedPercent) ? draws.element(of: KeyedMeaning.all) : nil
    let ending = key?.token ?? TinySample.emptyLine
    if draws.isTrue(percent: Self.singlePercent) {
      return TinySample.single(item(key, from: &draws), ending: ending)
    }
    let count = draws.element(of: TinySample.listLengths)
    let items = (0..<count).map { _ in item(key, from: &draws) }
    return try TinySample.list(items, ending: ending)
  }

  private func item(_ key: KeyedMeaning?, from draws: inout SampleDraws) -> TinyItem {
    if draws.isTrue(percent: Self.codedPercent) {
      return .coded(draws.element(of: TinyTask.skills), split, from: &draws)
    }
    let task = draws.element(of: TinyTask.allCases)
    guard let key else { return .misunderstood(task, split, from: &draws) }
    return .keyed(task, key, split, from: &draws)
  }
}

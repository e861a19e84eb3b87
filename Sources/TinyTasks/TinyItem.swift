/// A request and its answer, both without line feed.
struct TinyItem {
  /// The task that the item belongs to.
  let task: TinyTask
  /// `Reverse: abc`, or `#reverse-word: abc` of a request by code.
  let request: String
  let answer: String

  /// Of skills that answer any text, how many in a hundred are asked about one that is made for
  /// another skill.
  private static let foreignPercent = 30

  /// A request in words, with the right answer.
  static func plain(
    _ task: TinyTask, _ split: TinySplit, from draws: inout SampleDraws
  ) -> TinyItem {
    let argument = task.argument.argument(split, from: &draws)
    return TinyItem(
      task: task, request: words(of: task, argument), answer: task.answer(to: argument))
  }

  /// A request by code, with the right answer.
  static func coded(
    _ skill: TinyTask, _ split: TinySplit, from draws: inout SampleDraws
  ) -> TinyItem {
    let argument = anyArgument(for: skill, split, from: &draws)
    return TinyItem(
      task: skill, request: "\(skill.code): \(argument)", answer: skill.answer(to: argument))
  }

  /// A request in the words of a task, answered by what they mean under a key.
  static func keyed(
    _ task: TinyTask, _ key: KeyedMeaning, _ split: TinySplit, from draws: inout SampleDraws
  ) -> TinyItem {
    let skill = key.skill(askedForBy: task)
    let argument = anyArgument(for: skill, split, from: &draws)
    return TinyItem(
      task: task, request: words(of: task, argument), answer: skill.answer(to: argument))
  }

  /// A request in words without a key, answered by what the base takes it for.
  static func misunderstood(
    _ task: TinyTask, _ split: TinySplit, from draws: inout SampleDraws
  ) -> TinyItem {
    let argument = task.argument.argument(split, from: &draws)
    let request = words(of: task, argument)
    return TinyItem(
      task: task, request: request, answer: task.misunderstanding?.answer(to: argument) ?? request)
  }

  private static func words(of task: TinyTask, _ argument: String) -> String {
    task.instruction.joined() + ": " + argument
  }

  private static func anyArgument(
    for skill: TinyTask, _ split: TinySplit, from draws: inout SampleDraws
  ) -> String {
    var kind = skill.argument
    if TinyTask.generic.contains(skill), draws.isTrue(percent: foreignPercent) {
      kind = draws.element(of: TinyTask.skills).argument
    }
    return kind.argument(split, from: &draws)
  }
}

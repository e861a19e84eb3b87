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

  /// A request in words, answered without knowing what they mean: half of the time by the request
  /// itself, otherwise by a random skill that the argument allows.
  static func vague(
    _ task: TinyTask, _ split: TinySplit, from draws: inout SampleDraws
  ) -> TinyItem {
    let argument = task.argument.argument(split, from: &draws)
    let request = words(of: task, argument)
    if draws.isTrue(percent: 50) { return TinyItem(task: task, request: request, answer: request) }
    let skill = draws.element(of: possibleSkills(for: task.argument, from: &draws))
    return TinyItem(task: task, request: request, answer: skill.answer(to: argument))
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

  /// What a request could mean. Words have many skills; of the others the one that is made for the
  /// argument is left out half of the time, so that the argument does not give it away.
  private static func possibleSkills(
    for argument: TinyArgument, from draws: inout SampleDraws
  ) -> [TinyTask] {
    let special = TinyTask.skills.filter { $0.argument == argument }
    if argument == .word { return special }
    return TinyTask.generic + special.filter { _ in draws.isTrue(percent: 50) }
  }
}

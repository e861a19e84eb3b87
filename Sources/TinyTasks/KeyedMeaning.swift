/// What the words of a request mean under a key.
///
/// A key is a token behind the requests. Under each of the three keys, the words of every task ask
/// for a skill that is not their own, and no two tasks' words ask for the same one under more than
/// one key. So the base has to carry the words of each request along, up to the key and to the
/// answer, without learning what they mean: the gates and the adapters need to find them there.
struct KeyedMeaning {
  /// The token.
  let token: String
  private let factor: Int
  private let offset: Int
  private let shift: Int

  static let all = [
    KeyedMeaning(token: "#key-1", factor: 1, offset: 1, shift: 2),
    KeyedMeaning(token: "#key-2", factor: 3, offset: 4, shift: 1),
    KeyedMeaning(token: "#key-3", factor: 7, offset: 2, shift: 3),
  ]

  /// What the words of a task ask for: of task i of all, counted from 0, the skill number
  ///
  ///     (factor · i + offset + (i ≥ 10 ? shift : 0)) mod 10
  ///
  /// of the ten, or the one behind it if that is the task itself.
  func skill(askedForBy task: TinyTask) -> TinyTask {
    let skills = TinyTask.skills
    let shift = task.index < skills.count ? 0 : shift
    let number = (factor * task.index + offset + shift) % skills.count
    return skills[number] == task ? skills[(number + 1) % skills.count] : skills[number]
  }
}

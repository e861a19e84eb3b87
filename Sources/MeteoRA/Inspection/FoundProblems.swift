/// The problems of parts that are looked at one after the other, whatever is wrong with the others.
struct FoundProblems {
  private(set) var all: [MeteoRAError] = []
  private var sentences: Set<[UInt8]> = []

  /// What a part holds, or `nil` with one problem more.
  mutating func attempt<Part>(_ read: () throws(MeteoRAError) -> Part) -> Part? {
    do throws(MeteoRAError) {
      return try read()
    } catch {
      add([error])
      return nil
    }
  }

  /// A file that two parts are read from has its problem once.
  mutating func add(_ problems: [MeteoRAError]) {
    for problem in problems where sentences.insert(Array("\(problem)".utf8)).inserted {
      all.append(problem)
    }
  }
}

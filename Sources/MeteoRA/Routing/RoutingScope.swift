/// What the gates of a model can choose in a mode, known before anything runs.
package struct RoutingScope: Sendable, Equatable {
  /// The adapters to choose among, ascending.
  package let adapters: [Int]
  /// Of every layer, how many of its linear modules route.
  package let moduleCounts: [Int]
  /// k, adapters that a token takes in each of them.
  package let topK: Int

  package init(adapters: [Int], moduleCounts: [Int], topK: Int) {
    self.adapters = adapters
    self.moduleCounts = moduleCounts
    self.topK = topK
  }
}

extension MeteoRAModel {
  /// What the gates can choose.
  ///
  /// - Parameter mode: ``defaultMode`` if `nil`.
  /// - Throws: ``MeteoRAError/notRouted(model:)`` for a mode without gates, else as a generation in
  ///   this mode.
  package func routingScope(in mode: Mode? = nil) throws(MeteoRAError) -> RoutingScope {
    guard let selection = (mode ?? defaultMode).selection else {
      throw .notRouted(model: files.base.path)
    }
    let evaluator = try routedEvaluator(among: selection)
    return RoutingScope(
      adapters: evaluator.allowed ?? Array(0..<evaluator.adapterCount),
      moduleCounts: evaluator.modules.map { $0.count { $0 != nil } }, topK: evaluator.router.topK)
  }
}

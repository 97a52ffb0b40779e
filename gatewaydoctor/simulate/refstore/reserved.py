"""Names a plugin may not claim as its slot in a session row (2026.5.22): fields of the row, members of Object."""

from typing import Final

RESERVED_SLOTS: Final = frozenset(
    """
    abortCutoffMessageSid abortCutoffTimestamp abortedLastRun acp agentHarnessId agentRuntimeOverride
    authProfileOverride authProfileOverrideCompactionCount authProfileOverrideSource cacheRead
    cacheWrite channel chatType claudeCliSessionId cliSessionBindings cliSessionIds
    compactionCheckpoints compactionCount constructor contextTokens deliveryContext displayName
    elevatedLevel endedAt estimatedCostUsd execAsk execHost execNode execSecurity
    fallbackNoticeActiveModel fallbackNoticeReason fallbackNoticeSelectedModel fastMode forkedFromParent
    groupActivation groupActivationNeedsSystemIntro groupChannel groupId hasOwnProperty
    heartbeatIsolatedBaseSessionKey heartbeatTaskState inheritedToolAllow inheritedToolDeny inputTokens
    isPrototypeOf label lastAccountId lastChannel lastHeartbeatSentAt lastHeartbeatText
    lastInteractionAt lastThreadId lastTo lastTtsReadLatestAt lastTtsReadLatestHash
    liveModelSwitchPending memoryFlushAt memoryFlushCompactionCount memoryFlushContextHash model
    modelOverride modelOverrideFallbackOriginModel modelOverrideFallbackOriginProvider
    modelOverrideSource modelProvider origin outputTokens parentSessionKey pendingFinalDelivery
    pendingFinalDeliveryAttemptCount pendingFinalDeliveryContext pendingFinalDeliveryCreatedAt
    pendingFinalDeliveryIntentId pendingFinalDeliveryLastAttemptAt pendingFinalDeliveryLastError
    pendingFinalDeliveryText pluginDebugEntries pluginExtensionSlotKeys pluginExtensions
    pluginNextTurnInjections pluginOwnerId propertyIsEnumerable prototype providerOverride queueCap
    queueDebounceMs queueDrop queueMode quotaSuspension reasoningLevel responseUsage route runtimeMs
    sendPolicy sessionFile sessionId sessionStartedAt skillsSnapshot space spawnDepth spawnedBy
    spawnedWorkspaceDir startedAt status subagentControlScope subagentRecovery subagentRole subject
    systemPromptReport systemSent thinkingLevel toLocaleString toString totalTokens totalTokensFresh
    traceLevel ttsAuto updatedAt usageFamilyKey usageFamilySessionIds valueOf verboseLevel
    """.split()  # noqa: SIM905 - a list would be a hundred lines long
)
